import { EventEmitter } from "node:events";
import type { Quad, Term } from "n3";
import { Parser } from "n3";
import { readBytes } from "./_bytes.js";
import type { TripleBuilder } from "./_builder.js";
import { MuldeError } from "@mulde/errors";

/** Reads N-Triples or Turtle into a builder. Names are the IRIs; blank nodes are named `_:label`, as the file labels them. */
export async function readRdf(
  builder: TripleBuilder,
  path: string,
  format: "N-Triples" | "Turtle",
  literals: "error" | "skip",
): Promise<void> {
  // N3's parser works through each chunk while it is emitted, so no more than one chunk's statements wait.
  const source = new EventEmitter();
  let failure: unknown;
  // Without a base, a relative IRI is an error: a name must not depend on where the file lies.
  new Parser({ format, blankNodePrefix: "_:" }).parse(source, (error: Error | null, quad: Quad | null) => {
    if (failure !== undefined) return;
    if (error) {
      failure = malformed(path, error);
    } else if (quad?.object.termType === "Literal") {
      if (literals === "error") failure = literal(path, quad);
    } else if (quad) {
      builder.push(
        builder.entities.internString(nameOf(quad.subject)),
        builder.relations.internString(quad.predicate.value),
        builder.entities.internString(nameOf(quad.object)),
      );
    }
  });

  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of readBytes(path)) {
    emitText(source, path, () => decoder.decode(chunk, { stream: true }));
    if (failure !== undefined) throw failure;
  }
  emitText(source, path, () => decoder.decode());
  source.emit("end");
  if (failure !== undefined) throw failure;
}

function emitText(source: EventEmitter, path: string, decode: () => string): void {
  let text: string;
  try {
    text = decode();
  } catch (cause) {
    throw new MuldeError("DATA_MALFORMED_LINE", `${path} holds bytes that are not UTF-8; save it as UTF-8.`, { cause });
  }
  if (text !== "") source.emit("data", text);
}

function nameOf(term: Term): string {
  return term.termType === "BlankNode" ? `_:${term.value}` : term.value;
}

function literal(path: string, quad: Quad): MuldeError {
  const value = JSON.stringify(quad.object.value.slice(0, 40));
  return new MuldeError(
    "DATA_LITERAL",
    `${path}: the object ${value} of <${quad.subject.value}> <${quad.predicate.value}> is a literal, which is no entity; ` +
      `remove it or set the option literals: "skip".`,
  );
}

function malformed(path: string, error: Error): MuldeError {
  const line = /on line (\d+)/.exec(error.message)?.[1];
  const where = line === undefined ? path : `${path}:${line}`;
  const what = error.message.replace(/\s*on line \d+\.?$/, "");
  return new MuldeError("DATA_MALFORMED_LINE", `${where}: ${what}; correct the statement.`, { cause: error });
}
