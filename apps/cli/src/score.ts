import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { readTriples } from "@mulde/datasets";
import { openModel } from "@mulde/kge-models";
import { MuldeCommand } from "./_command.js";
import { logEngine } from "./_engine.js";
import { MuldeError } from "./_errors.js";
import { addJsonOption, addReadOptions, readOptions, type ReadFlags } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import { Output } from "./_output.js";

interface Options extends ReadFlags {
  readonly triples: string;
  readonly json?: boolean;
}

/** `mulde score`: one score for each triple of a file. */
export function scoreCommand(): MuldeCommand {
  const command = new MuldeCommand("score")
    .summary("score the triples of a file")
    .description("Score the triples of a file, in its order. A greater score is more plausible.")
    .argument("<dir>", "directory of a trained model")
    .requiredOption("--triples <file>", "triples of names, one a line; also gzip, N-Triples, Turtle");
  addReadOptions(command);
  addImportOption(command);
  addJsonOption(command).examples("mulde score models/junior --triples candidates.tsv");
  return command.action(async (directory: string, given: Options) => {
    const output = new Output(given.json ?? false);
    await logEngine(output);
    const file = await readTriples(given.triples, readOptions(given));
    const { heads, relations, tails } = file.triples;
    const triples = Array.from(
      heads,
      (head, i) =>
        [file.entities.name(head), file.relations.name(relations[i]!), file.entities.name(tails[i]!)] as const,
    );
    const model = await openModel(directory);
    let scores: readonly number[];
    try {
      scores = model.score(triples);
    } catch (error) {
      throw await placed(error, given.triples);
    }
    output.result({ scores }, () => triples.map((triple, i) => [...triple, scores[i]].join("\t")).join("\n"));
  });
}

/** An error about the triple at a position as one about its line. Other errors come back as they are. */
async function placed(error: unknown, file: string): Promise<unknown> {
  if (!(error instanceof MuldeError)) return error;
  const [position, part] = error.path;
  if (typeof position !== "number") return error;
  const { code, reason, value } = error;
  const line = await lineOf(file, position);
  const path = [...(line === undefined ? [`triple ${position + 1}`] : []), ...(part === undefined ? [] : [part])];
  return new MuldeError(code, reason, { file, line, path, value, cause: error });
}

/** The line of the triple at a position; blank lines hold none. Files of RDF have no such lines. Only errors read the file again. */
async function lineOf(file: string, position: number): Promise<number | undefined> {
  if (/\.(nt|ttl)(\.gz)?$/i.test(file)) return undefined;
  const source = createReadStream(file);
  const lines = createInterface({
    input: /\.gz$/i.test(file) ? source.pipe(createGunzip()) : source,
    crlfDelay: Infinity,
  });
  let line = 0;
  let triples = 0;
  for await (const text of lines) {
    line++;
    if (/[^ ]/.test(text) && triples++ === position) break;
  }
  source.destroy();
  return line;
}
