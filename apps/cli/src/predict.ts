import { type Dataset, type TripleList, Vocabulary } from "@mulde/datasets";
import { openModel } from "@mulde/mulde-trainer";
import { Command } from "commander";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { hasCode, MuldeError, UsageError } from "./_errors.js";
import { addDataOptions, addJsonOption, readOptions, wholeNumber } from "./_flags.js";
import { Output, paint } from "./_output.js";
import { type Column, table } from "./_table.js";

interface Options {
  readonly head?: string;
  readonly tail?: string;
  readonly relation: string;
  readonly top: number;
  readonly data?: string;
  readonly columns: string;
  readonly delimiter?: string;
  readonly json?: boolean;
}

const splits = ["train", "valid", "test"] as const;

interface Prediction {
  readonly rank: number;
  readonly entity: string;
  readonly score: number;
  /** whether the data set holds it; null without one */
  readonly known: boolean | null;
  /** the split that holds it */
  readonly split: (typeof splits)[number] | null;
  readonly description?: string;
}

/** `mulde predict`: the best answers of one query. */
export function predictCommand(): Command {
  const command = new Command("predict")
    .description("Answer (head, relation, ?) or (?, relation, tail) with the entities that score best.")
    .argument("<dir>", "directory of a trained model")
    .option("--head <name>", "head of the query: tails are asked for")
    .option("--tail <name>", "tail of the query: heads are asked for")
    .requiredOption("--relation <name>", "relation of the query")
    .option("--top <integer>", "how many answers", wholeNumber(1), 10);
  addDataOptions(command, { required: false, use: "marks the answers that this data set knows" });
  return addJsonOption(command).action(async (directory: string, given: Options) => {
    const { head, tail, relation } = given;
    if ((head === undefined) === (tail === undefined)) {
      throw new UsageError("give either --head, to ask for tails, or --tail, to ask for heads");
    }
    const output = new Output(given.json ?? false);
    await logEngine(output);
    const data = given.data === undefined ? undefined : await openData(given.data, output, readOptions(given));
    const { model, entities, relations } = await openModel(directory, data);
    const from = idOf(entities, (head ?? tail)!, head === undefined ? "tail" : "head");
    const relationId = idOf(relations, relation, "relation");
    const query = relationId + (head === undefined ? model.relations : 0);
    const best = model.topK({ heads: Int32Array.of(from), relations: Int32Array.of(query) }, given.top);
    const splitOf = data && answersOf(data, from, relationId, head === undefined);
    const predictions = Array.from(best.ids, (id, i): Prediction => {
      const split = splitOf?.get(id) ?? null;
      const description = data?.descriptions?.[id];
      return {
        rank: i + 1,
        entity: entities[id]!,
        score: best.scores[i]!,
        known: splitOf ? split !== null : null,
        split,
        ...(description !== undefined && { description }),
      };
    });
    output.result({ query: { head: head ?? null, relation, tail: tail ?? null }, predictions }, () => {
      const title = `(${head ?? "?"}, ${relation}, ${tail ?? "?"})`;
      return `${paint(process.stdout).bold(title)}\n${predictionTable(predictions)}`;
    });
  });
}

function idOf(names: readonly string[], name: string, flag: string): number {
  try {
    return Vocabulary.fromNames(names).id(name);
  } catch (error) {
    if (!hasCode(error, "DATA_UNKNOWN_NAME")) throw error;
    const kind = flag === "relation" ? "relation" : "entity";
    const reason = error.message.replace("There is no", `the model knows no ${kind}`);
    throw new MuldeError("CLI_UNKNOWN_NAME", `--${flag}: ${reason}`, { cause: error });
  }
}

/** The data set's own answers of a query, and the split of each. */
function answersOf(
  data: Dataset,
  entity: number,
  relation: number,
  heads: boolean,
): ReadonlyMap<number, (typeof splits)[number]> {
  const found = new Map<number, (typeof splits)[number]>();
  for (const split of splits) {
    const triples: TripleList = data[split];
    const [given, asked] = heads ? [triples.tails, triples.heads] : [triples.heads, triples.tails];
    for (let i = 0; i < triples.length; i++) {
      if (given[i] === entity && triples.relations[i] === relation && !found.has(asked[i]!))
        found.set(asked[i]!, split);
    }
  }
  return found;
}

function predictionTable(predictions: readonly Prediction[]): string {
  const colours = paint(process.stdout);
  const marked = predictions.some(({ known }) => known !== null);
  const described = predictions.some(({ description }) => description !== undefined);
  const columns: Column[] = [{ head: "", align: "right" }, { head: "entity" }, { head: "score", align: "right" }];
  if (marked) columns.push({ head: "known from" });
  if (described) columns.push({ head: "meaning" });
  const rows = predictions.map(({ rank, entity, score, split, description }) => [
    String(rank),
    entity,
    score.toFixed(3),
    ...(marked ? [split ?? "-"] : []),
    ...(described ? [colours.dim(shorten(description ?? ""))] : []),
  ]);
  return table(columns, rows);
}

// What a table of 100 columns has left for a gloss.
const glossLength = 60;

function shorten(text: string): string {
  return text.length <= glossLength ? text : `${text.slice(0, glossLength - 1).trimEnd()}…`;
}
