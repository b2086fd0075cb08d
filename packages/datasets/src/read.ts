import { MuldeError } from "@mulde/errors";
import { z } from "zod";
import { checkPath } from "./_arguments.js";
import { TripleBuilder } from "./_builder.js";
import { readDelimited } from "./_delimited.js";
import { parseOptions } from "./_options.js";
import { readRdf } from "./_rdf.js";
import type { Source } from "./_source.js";
import { fileSource } from "./_source.js";
import type { TripleList } from "./triples.js";
import type { Vocabulary } from "./vocabulary.js";

/** The format of a file of triples. */
export interface ReadOptions {
  /** The separator of delimited text. Default a tab; a comma in a file named `.csv`. */
  readonly delimiter?: string | undefined;
  /** The order of the three fields of delimited text: h head, r relation, t tail. Default "hrt". */
  readonly columns?: "hrt" | "htr" | "rht" | "rth" | "thr" | "trh" | undefined;
  /** A literal in N-Triples or Turtle is an "error" (the default), or its statement is a thing to "skip". */
  readonly literals?: "error" | "skip" | undefined;
  /** Stops the reading, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The triples of one file, with ids in order of appearance. */
export interface TripleFile {
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly triples: TripleList;
}

const schema = z.object({
  delimiter: z
    .string()
    .min(1, "must have at least one character")
    .regex(/^[^\r\n]*$/, "must not contain a line end")
    .optional(),
  columns: z.enum(["hrt", "htr", "rht", "rth", "thr", "trh"]).default("hrt"),
  literals: z.enum(["error", "skip"]).default("error"),
  signal: z.instanceof(AbortSignal, { message: "must be an AbortSignal" }).optional(),
});

/** @internal */
export type ParsedReadOptions = z.output<typeof schema>;

/** @internal Checks read options and fills in their defaults. */
export function parseReadOptions(options: ReadOptions | undefined): ParsedReadOptions {
  return parseOptions(schema, options);
}

/**
 * Reads one file of triples as a stream: `.nt` as N-Triples, `.ttl` as Turtle, everything else as delimited text (one triple a line, UTF-8,
 * LF or CRLF). It recognises gzip by its first bytes.
 * @throws MuldeError DATA_MALFORMED_LINE, DATA_BAD_NAME and DATA_LITERAL with file and line; DATA_EMPTY, DATA_NOT_FOUND, DATA_UNREADABLE,
 * DATA_BAD_GZIP, DATA_BOMB and DATA_FORMAT with the file; DATA_BAD_OPTION with the option, DATA_BAD_ARGUMENT for a path that is none; the
 * signal's reason if it is aborted.
 */
export async function readTriples(path: string, options?: ReadOptions): Promise<TripleFile> {
  checkPath(path, "path");
  const parsed = parseReadOptions(options);
  const builder = new TripleBuilder();
  await readInto(builder, fileSource(path), parsed);
  refuseEmpty(builder, path);
  const triples = builder.takeTriples();
  return { ...builder.vocabularies(), triples };
}

/** @internal Reads one source of any format into a builder. */
export async function readInto(builder: TripleBuilder, source: Source, options: ParsedReadOptions): Promise<void> {
  const { columns, delimiter, literals, signal } = options;
  signal?.throwIfAborted();
  const format = /\.(nt|ttl|csv)(\.gz)?$/i.exec(source.name)?.[1]?.toLowerCase();
  if (format === "nt") await readRdf(builder, source, "N-Triples", literals, signal);
  else if (format === "ttl") await readRdf(builder, source, "Turtle", literals, signal);
  else await readDelimited(builder, source, columns, delimiter ?? (format === "csv" ? "," : "\t"), signal);
}

/** @internal @throws MuldeError DATA_EMPTY if nothing was read. */
export function refuseEmpty(builder: TripleBuilder, file: string): void {
  if (builder.length > 0) return;
  throw new MuldeError("DATA_EMPTY", "the file has no triples; check that it is the right one.", { file });
}
