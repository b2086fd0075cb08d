import type { Dataset } from "@mulde/datasets";
import { type NamedModel, openModel, type Prediction } from "@mulde/kge-models";
import { MuldeCommand } from "./_command.js";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { MuldeError, UsageError } from "./_errors.js";
import { addDataOptions, addJsonOption, readOptions, type ReadFlags, wholeNumber } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import { Output } from "./_output.js";
import { paint } from "./_paint.js";
import { shown } from "./_printable.js";
import { type Column, table } from "./_table.js";
import { wrapped } from "./_text.js";

interface Query {
  readonly head?: string;
  readonly relation?: string;
  readonly tail?: string;
}

interface Options extends Query, ReadFlags {
  readonly top: number;
  readonly data?: string;
  readonly new?: boolean;
  readonly json?: boolean;
}

/** An answer as the command prints it. */
interface Answer {
  readonly rank: number;
  readonly head: string;
  readonly relation: string;
  readonly tail: string;
  readonly score: number;
  /** whether the data set holds it; null without one */
  readonly known: boolean | null;
  /** the split that holds it */
  readonly split: string | null;
  /** what the data set says of the entity that was asked for */
  readonly description?: string;
}

const parts = ["head", "relation", "tail"] as const;

/** `mulde predict`: the best answers of one query. */
export function predictCommand(): MuldeCommand {
  const command = new MuldeCommand("predict")
    .summary("answer a query with what scores best")
    .description(
      "Answer a query with the triples that score best. Give a head and a relation to ask for tails, a relation and a " +
        "tail for heads, a head and a tail for relations, or one entity for its best triples over all relations.",
    )
    .argument("<dir>", "directory of a trained model")
    .option("--head <name>", "head of the triples")
    .option("--relation <name>", "their relation")
    .option("--tail <name>", "their tail")
    .option("--top <n>", "how many answers", wholeNumber(1), 10)
    .option("--new", "leave out answers that --data knows, instead of marking them");
  addDataOptions(command, { required: false, use: "data set of the model, to mark known answers" });
  addImportOption(command);
  addJsonOption(command).examples(
    "mulde predict models/junior --tail clothing.n.01 --relation _hypernym",
    "mulde predict models/junior --head dog.n.01 --data wordnet31-small --new",
  );
  return command.action(async (directory: string, given: Options) => {
    const { head, relation, tail, top } = given;
    checkQuery(given);
    const output = new Output(given.json ?? false);
    await logEngine(output);
    const data = given.data === undefined ? undefined : await openData(given.data, output, readOptions(given));
    const model = await openModel(directory, { data });
    const known = data && (given.new ? data : { data, mark: true });
    const predictions = ask(model, { head, relation, tail }, { top, known }).map((prediction, i) =>
      answer(prediction, i, given, data),
    );
    const query = { head: head ?? null, relation: relation ?? null, tail: tail ?? null };
    output.result({ query, predictions }, () => {
      const title = `(${[head, relation, tail].map((name) => shown(name ?? "?")).join(", ")})`;
      return `${paint(process.stdout).bold(wrapped(title))}\n${answerTable(predictions, given)}`;
    });
  });
}

function checkQuery({ head, relation, tail, data, new: unknown }: Options): void {
  if (head === undefined && tail === undefined) {
    throw new UsageError("Give --head, --tail or both, with --relation or without.");
  }
  if (head !== undefined && relation !== undefined && tail !== undefined) {
    throw new UsageError(
      "Leave out what you ask for: --head, --relation or --tail. See mulde score for whole triples.",
    );
  }
  if (unknown && data === undefined) throw new UsageError("it needs --data, which says what is known.", "--new");
}

function ask(model: NamedModel, ...[query, options]: Parameters<NamedModel["predict"]>): Prediction[] {
  try {
    return model.predict(query, options);
  } catch (error) {
    const part = error instanceof MuldeError ? parts.find((name) => name === error.path[0]) : undefined;
    if (!(error instanceof MuldeError) || part === undefined) throw error;
    throw new MuldeError(error.code, error.reason, { path: [`--${part}`], value: error.value, cause: error });
  }
}

function answer(prediction: Prediction, i: number, query: Query, data: Dataset | undefined): Answer {
  const { head, relation, tail, score, known } = prediction;
  // With both entities given there is none to describe.
  const asked = query.tail === undefined ? tail : query.head === undefined ? head : undefined;
  const description = asked === undefined ? undefined : data?.descriptions?.[data.entities.id(asked)];
  return {
    rank: i + 1,
    ...{ head, relation, tail, score },
    known: data ? known !== undefined && known !== false : null,
    split: known === undefined || known === false ? null : known,
    ...(description !== undefined && { description }),
  };
}

function answerTable(answers: readonly Answer[], query: Options): string {
  const asked = parts.filter((part) => query[part] === undefined);
  const marked = query.data !== undefined && !query.new;
  const described = answers.some(({ description }) => description !== undefined);
  const columns: Column[] = [
    { head: "", align: "right" },
    ...asked.map((head): Column => ({ head, cut: "middle" })),
    { head: "score", align: "right" },
    ...(marked ? [{ head: "known from" }] : []),
    ...(described ? [{ head: "meaning", cut: "end", dim: true } as const] : []),
  ];
  const rows = answers.map((one) => [
    String(one.rank),
    ...asked.map((part) => one[part]),
    one.score.toFixed(3),
    ...(marked ? [one.split ?? "-"] : []),
    ...(described ? [one.description ?? ""] : []),
  ]);
  return table(columns, rows);
}
