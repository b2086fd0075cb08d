import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { readTriples, type TripleFile, Vocabulary } from "@mulde/datasets";
import { openModel } from "@mulde/mulde-trainer";
import { Command } from "commander";
import { logEngine } from "./_engine.js";
import { hasCode, MuldeError } from "./_errors.js";
import { addJsonOption, addReadOptions, readOptions } from "./_flags.js";
import { Output } from "./_output.js";

interface Options {
  readonly triples: string;
  readonly columns: string;
  readonly delimiter?: string;
  readonly json?: boolean;
}

/** `mulde score`: one score for each triple of a file. */
export function scoreCommand(): Command {
  const command = new Command("score")
    .description("Score the triples of a file, in its order; higher is more plausible.")
    .argument("<dir>", "directory of a trained model")
    .requiredOption("--triples <file>", "triples of names, one a line; gzip, N-Triples and Turtle are read, too");
  addReadOptions(command);
  return addJsonOption(command).action(async (directory: string, given: Options) => {
    const output = new Output(given.json ?? false);
    await logEngine(output);
    const file = await readTriples(given.triples, readOptions(given));
    const { model, ...names } = await openModel(directory);
    const entities = await translate(file.entities, names.entities, file, "entity", given.triples);
    const relations = await translate(file.relations, names.relations, file, "relation", given.triples);
    const { heads, relations: kinds, tails, length } = file.triples;
    const scores = model.score({
      heads: heads.map((id) => entities[id]!),
      relations: kinds.map((id) => relations[id]!),
      tails: tails.map((id) => entities[id]!),
      length,
    });
    output.result({ scores: Array.from(scores) }, () =>
      Array.from(scores, (score, i) =>
        [file.entities.name(heads[i]!), file.relations.name(kinds[i]!), file.entities.name(tails[i]!), score].join(
          "\t",
        ),
      ).join("\n"),
    );
  });
}

/** The model's ids of the file's names. */
async function translate(
  names: Vocabulary,
  known: readonly string[],
  { triples }: TripleFile,
  kind: "entity" | "relation",
  path: string,
): Promise<Int32Array> {
  const vocabulary = Vocabulary.fromNames(known);
  const ids = new Int32Array(names.size);
  for (let id = 0; id < ids.length; id++) {
    try {
      ids[id] = vocabulary.id(names.name(id));
    } catch (error) {
      if (!hasCode(error, "DATA_UNKNOWN_NAME")) throw error;
      const { heads, relations, tails } = triples;
      const at = heads.findIndex((_, i) =>
        kind === "relation" ? relations[i] === id : heads[i] === id || tails[i] === id,
      );
      const reason = error.message.replace("There is no", `the model knows no ${kind}`);
      throw new MuldeError("CLI_UNKNOWN_NAME", `${await place(path, at)}: ${reason}`, { cause: error });
    }
  }
  return ids;
}

/** File and line of the triple at a position; blank lines hold none. Only errors come here, so that the file is read again. */
async function place(path: string, position: number): Promise<string> {
  if (/\.(nt|ttl)(\.gz)?$/i.test(path)) return `${path}, triple ${position + 1}`;
  const source = createReadStream(path);
  const lines = createInterface({
    input: /\.gz$/i.test(path) ? source.pipe(createGunzip()) : source,
    crlfDelay: Infinity,
  });
  let line = 0;
  let triples = 0;
  for await (const text of lines) {
    line++;
    if (/[^ ]/.test(text) && triples++ === position) break;
  }
  source.destroy();
  return `${path}:${line}`;
}
