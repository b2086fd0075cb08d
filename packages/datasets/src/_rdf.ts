import { isUtf8 } from "node:buffer";
import { EventEmitter } from "node:events";
import { MuldeError } from "@mulde/errors";
import type { Quad, Term } from "n3";
import { Parser } from "n3";
import type { TripleBuilder } from "./_builder.js";
import { readBytes } from "./_bytes.js";
import { MAX_LINE } from "./_lines.js";
import type { NameTable } from "./_names.js";
import { BAD_NAME, refuseName } from "./_names.js";
import type { Source } from "./_source.js";

const LF = 0x0a;

// The parser keeps an unfinished token, so an endless one would fill memory. A token is as good as a line of other formats.
const MAX_TOKEN = MAX_LINE;

const MAX_QUOTED = 200;

// The parser keeps what it is inside of. People nest blank nodes and lists a few deep.
const MAX_DEPTH = 1000;
const OPENING = new Set(["[", "(", "{", "{|", "<<", "<<("]);
const CLOSING = new Set(["]", ")", "}", "|}", ">>", ")>>"]);

/** The part of n3's parser that is used here; its published types lack the callbacks by name. */
interface CallbackParser {
  parse(
    source: EventEmitter,
    callbacks: {
      onQuad(error: Error | null, quad: Quad | null): void;
      /** Called before each token, a comment too. `line` is where it starts, from 1. */
      onToken(token: { readonly type: string; readonly line: number }): void;
      /** Without it, comments are no tokens. */
      onComment(): void;
    },
  ): void;
}

/**
 * Reads N-Triples or Turtle into a builder. Names are the IRIs; blank nodes are named `_:label`, with their labels in the file.
 * @throws MuldeError DATA_MALFORMED_LINE, DATA_BAD_NAME and DATA_LITERAL with file and line, and what `readBytes` throws.
 */
export async function readRdf(
  builder: TripleBuilder,
  source: Source,
  format: "N-Triples" | "Turtle",
  literals: "error" | "skip",
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = source.name;
  // The parser works through each chunk while it is emitted, so at most one chunk of statements waits.
  const text = new EventEmitter();
  // Only the first one is thrown.
  const failures: Error[] = [];
  let literalLine = 1;
  let tokenLine = 1;
  let depth = 0;
  // How many characters have come since the last token, at least; -1 once there is one.
  let waiting = 0;
  // Without a base, a relative IRI is an error: a name must not depend on where the file is.
  const parser = new Parser({ format, blankNodePrefix: "_:" }) as unknown as CallbackParser;
  const idOf = (table: NameTable, name: string): number => {
    const id = table.internString(name);
    if (id === BAD_NAME) refuseName(name, { file: path, line: tokenLine });
    return id;
  };
  parser.parse(text, {
    onToken({ type, line }) {
      waiting = -1;
      tokenLine = line;
      if (type === "literal") literalLine = line;
      else if (OPENING.has(type)) depth++;
      else if (CLOSING.has(type)) depth--;
      if (depth > MAX_DEPTH) {
        throw tooMuch(path, line, `blank nodes or lists stand in one another ${MAX_DEPTH} deep`);
      }
    },
    onComment() {
      // `onToken` has it.
    },
    onQuad(error, quad) {
      if (failures.length > 0) return;
      if (error) {
        failures.push(malformed(path, format, error));
      } else if (quad?.object.termType === "Literal") {
        if (literals === "error") failures.push(literal(path, literalLine, quad));
      } else if (quad) {
        builder.push(
          idOf(builder.entities, nameOf(quad.subject)),
          idOf(builder.relations, quad.predicate.value),
          idOf(builder.entities, nameOf(quad.object)),
        );
      }
    },
  });

  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  const emit = (chunk?: Buffer): void => {
    let decoded: string;
    try {
      decoded = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      if (chunk !== undefined) line += linesBeforeDamage(chunk);
      throw new MuldeError("DATA_MALFORMED_LINE", "the line has bytes that are not UTF-8; save the file as UTF-8.", {
        file: path,
        line,
        cause,
      });
    }
    try {
      if (decoded !== "") text.emit("data", decoded);
    } catch (error) {
      if (error instanceof MuldeError) throw error;
      // The parser reports what it expects to be wrong, and throws what it does not.
      throw malformed(path, format, error as Error);
    }
    if (failures[0]) throw failures[0];
    if (waiting < 0) waiting = 0;
    else if (waiting > 0 || /\S/.test(decoded)) waiting += decoded.length;
    if (waiting > MAX_TOKEN) {
      throw tooMuch(
        path,
        tokenLine,
        `an IRI, literal or comment that starts here is longer than ${MAX_TOKEN} characters`,
      );
    }
    if (chunk !== undefined) line += lineEnds(chunk, chunk.length);
  };
  for await (const chunk of readBytes(source, signal)) emit(chunk);
  // Throws if the file ends inside a character.
  emit();
  text.emit("end");
  if (failures[0]) throw failures[0];
}

/** The number of line ends in the first `length` bytes. */
function lineEnds(bytes: Buffer, length: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0 && at < length; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

/** The number of line ends before the first damage in a chunk that a decoder refused; the chunk may begin inside a character. */
function linesBeforeDamage(chunk: Buffer): number {
  let start = 0;
  // A character has at most three continuation bytes.
  while (start < 3 && (chunk[start]! & 0xc0) === 0x80) start++;
  for (let end = chunk.indexOf(LF, start); end >= 0; end = chunk.indexOf(LF, start)) {
    if (!isUtf8(chunk.subarray(start, end))) return lineEnds(chunk, start);
    start = end + 1;
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(chunk.subarray(start), { stream: true });
  } catch {
    return lineEnds(chunk, start);
  }
  // Everything after the start is sound, so the character at the border to the chunk before is not.
  return 0;
}

function nameOf(term: Term): string {
  return term.termType === "BlankNode" ? `_:${term.value}` : term.value;
}

function literal(file: string, line: number, quad: Quad): MuldeError {
  const value = JSON.stringify(quad.object.value.slice(0, 40));
  return new MuldeError(
    "DATA_LITERAL",
    `the object ${value} of <${cut(quad.subject.value)}> <${cut(quad.predicate.value)}> is a literal, which cannot be an entity; ` +
      `remove it or set the option literals: "skip".`,
    { file, line, value: quad.object.value },
  );
}

/** A text of the file for a message, which must not fill the screen. */
function cut(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
}

function tooMuch(file: string, line: number, what: string): MuldeError {
  return new MuldeError("DATA_MALFORMED_LINE", `${what}; correct the statement.`, { file, line });
}

function malformed(file: string, format: string, error: Error): MuldeError {
  const { context } = error as Error & { readonly context?: { readonly line?: number } };
  return new MuldeError("DATA_MALFORMED_LINE", `this is not ${format}: ${cut(error.message)} Correct the statement.`, {
    file,
    line: context?.line,
    cause: error,
  });
}
