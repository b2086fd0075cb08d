import { z } from "zod";
import { TripleBuilder } from "./_builder.js";
import { readDelimited } from "./_delimited.js";
import { parseOptions } from "./_options.js";
import { readRdf } from "./_rdf.js";
import { MuldeError } from "@mulde/errors";
import type { TripleList } from "./triples.js";
import type { Vocabulary } from "./vocabulary.js";

/** How triples are written in a file. */
export interface ReadOptions {
  /** What stands between two fields of delimited text: by default a tab, in a file named `.csv` a comma. */
  readonly delimiter?: string | undefined;
  /** The order of the three fields of delimited text: h head, r relation, t tail. Default "hrt". */
  readonly columns?: "hrt" | "htr" | "rht" | "rth" | "thr" | "trh" | undefined;
  /** What a literal in N-Triples or Turtle is: an "error" (default), or a statement to "skip". */
  readonly literals?: "error" | "skip" | undefined;
}

/** The triples of one file, with names numbered in order of appearance. */
export interface TripleFile {
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly triples: TripleList;
}

const schema = z.object({
  delimiter: z
    .string()
    .min(1, "a delimiter has at least one character")
    .regex(/^[^\r\n]*$/, "a delimiter holds no line end")
    .optional(),
  columns: z.enum(["hrt", "htr", "rht", "rth", "thr", "trh"]).default("hrt"),
  literals: z.enum(["error", "skip"]).default("error"),
});

/** @internal */
export type ParsedReadOptions = z.output<typeof schema>;

/** @internal Checks read options, filling in their defaults. */
export function parseReadOptions(options: ReadOptions | undefined): ParsedReadOptions {
  return parseOptions(schema, options);
}

/**
 * Reads one file of triples as a stream: N-Triples (`.nt`) and Turtle (`.ttl`) by name, everything else as delimited text, one
 * triple a line, UTF-8, LF or CRLF. Gzip is recognised by its first bytes. Ten million lines take about half a GiB.
 * @throws MuldeError DATA_MALFORMED_LINE naming file and line, DATA_LITERAL, DATA_EMPTY, DATA_NOT_FOUND, DATA_UNREADABLE,
 * DATA_BAD_GZIP, DATA_BAD_OPTION.
 */
export async function readTriples(path: string, options?: ReadOptions): Promise<TripleFile> {
  const builder = new TripleBuilder();
  await readInto(builder, path, parseReadOptions(options));
  if (builder.length === 0) throw new MuldeError("DATA_EMPTY", `${path} holds no triples; is it the right file?`);
  const triples = builder.takeTriples();
  return { ...builder.vocabularies(), triples };
}

/** @internal Reads one file, of whichever format, into a builder. */
export async function readInto(builder: TripleBuilder, path: string, options: ParsedReadOptions): Promise<void> {
  const format = /\.(nt|ttl|csv)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase();
  if (format === "nt") await readRdf(builder, path, "N-Triples", options.literals);
  else if (format === "ttl") await readRdf(builder, path, "Turtle", options.literals);
  else await readDelimited(builder, path, options.columns, options.delimiter ?? (format === "csv" ? "," : "\t"));
}
