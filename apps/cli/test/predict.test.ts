import { join } from "node:path";
import { loadModel } from "@mulde/kge-models";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { splits, trained, writeGraph } from "./_graph.js";

interface Answer {
  readonly query: { readonly head: string | null; readonly relation: string | null; readonly tail: string | null };
  readonly predictions: readonly {
    readonly rank: number;
    readonly head: string;
    readonly relation: string;
    readonly tail: string;
    readonly score: number;
    readonly known: boolean | null;
    readonly split: string | null;
  }[];
}

let data: string;
let model: string;

beforeAll(async () => {
  data = writeGraph();
  model = await trained(data);
});

test("predict gives the best tails, best first, as scores of all entities have them", async () => {
  const args = ["predict", model, "--head", "n5", "--relation", "plus9", "--top", "7"];
  const { query, predictions } = await muldeJson<Answer>(args);
  expect(query).toEqual({ head: "n5", relation: "plus9", tail: null });

  const saved = await loadModel(model);
  const relation = saved.relations.indexOf("plus9");
  const all = saved.model.scoreAll({
    heads: Int32Array.of(saved.entities.indexOf("n5")),
    relations: Int32Array.of(relation),
  });
  const best = Array.from(all, (score, id) => ({ score, entity: saved.entities[id]! })).sort(
    (a, b) => b.score - a.score,
  );
  expect(predictions.map(({ tail }) => tail)).toEqual(best.slice(0, 7).map(({ entity }) => entity));
  predictions.forEach(({ score, ...rest }, i) => {
    expect(score).toBeCloseTo(best[i]!.score, 4);
    const asked = { head: "n5", relation: "plus9", tail: best[i]!.entity };
    expect(rest).toEqual({ rank: i + 1, ...asked, known: null, split: null });
  });
  expect(predictions[0]!.tail).toBe("n14");
});

test("predict --tail asks for heads", async () => {
  const { query, predictions } = await muldeJson<Answer>(["predict", model, "--tail", "n14", "--relation", "plus9"]);
  expect(query).toEqual({ head: null, relation: "plus9", tail: "n14" });
  expect(predictions).toHaveLength(10);
  expect(predictions[0]!.head).toBe("n5");
});

test("with a head and a tail, predict asks for relations", async () => {
  const { query, predictions } = await muldeJson<Answer>(["predict", model, "--head", "n5", "--tail", "n14"]);
  expect(query).toEqual({ head: "n5", relation: null, tail: "n14" });
  expect(predictions.map(({ relation }) => relation).sort()).toEqual(["near", "plus1", "plus3", "plus9"]);
  expect(predictions[0]).toMatchObject({ head: "n5", relation: "plus9", tail: "n14" });
});

test.each(["head", "tail"] as const)("a lone --%s asks for its best triples over all relations", async (part) => {
  const { predictions } = await muldeJson<Answer>(["predict", model, `--${part}`, "n14", "--top", "40"]);
  expect(predictions).toHaveLength(40);
  for (const triple of predictions) expect(triple[part]).toBe("n14");
  expect(new Set(predictions.map(({ relation }) => relation)).size).toBeGreaterThan(1);
  const scores = predictions.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test("with --data the known answers are marked with their split", async () => {
  const [head, relation, tail] = splits.test.find((triple) => triple[1] === "near")!;
  const args = ["predict", model, "--head", head, "--relation", relation, "--top", "40", "--data", data];
  const { predictions } = await muldeJson<Answer>(args);
  const known = Object.entries(splits).flatMap(([split, triples]) =>
    triples
      .filter((triple) => triple[0] === head && triple[1] === relation)
      .map((triple) => ({ split, entity: triple[2] })),
  );
  expect(known).toContainEqual({ split: "test", entity: tail });
  expect(predictions).toHaveLength(40);
  for (const { tail: entity, known: marked, split } of predictions) {
    const expected = known.find((answer) => answer.entity === entity);
    expect({ marked, split }).toEqual({ marked: expected !== undefined, split: expected?.split ?? null });
  }

  const unknown = await muldeJson<Answer>([...args, "--new"]);
  expect(unknown.predictions.map((answer) => answer.tail)).toEqual(
    predictions.filter((answer) => !answer.known).map((answer) => answer.tail),
  );
  expect(unknown.predictions).toHaveLength(40 - known.length);
});

test("predict prints a table for people", async () => {
  const args = ["predict", model, "--head", "n5", "--relation", "plus9", "--top", "3", "--data", data];
  const { stdout } = await mulde(args);
  expect(stdout).toMatch(/^\(n5, plus9, \?\)\n +tail +score +known from\n1 +n14 +-?\d+\.\d{3} +(train|valid|test)\n2 /);
  const whole = await mulde(["predict", model, "--tail", "n5", "--top", "2"]);
  expect(whole.stdout).toMatch(/^\(\?, \?, n5\)\n +head +relation +score\n1 +n\d+ +(plus\d|near) +-?\d+\.\d{3}\n2 /);
  const unknown = await mulde([...args, "--new"]);
  expect(unknown.stdout).toMatch(/^\(n5, plus9, \?\)\n +tail +score\n1 /);
});

test("what the data set says of an entity is cut to 80 columns", async () => {
  const out = join(temporary(), "wordnet");
  const flags = ["--dim", "2", "--epochs", "1", "--negatives", "1", "--out", out];
  await mulde(["train", "--model", "TransE", "--data", "wordnet31-small", ...flags]);
  const args = ["predict", out, "--tail", "clothing.n.01", "--data", "wordnet31-small", "--top", "20"];
  const { stdout } = await mulde(args);
  expect(stdout).toMatch(/ meaning\n/);
  expect(stdout).toMatch(/…\n/);
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test.each([
  [["--relation", "plus9"], /Give --head, --tail or both/],
  [[], /Give --head, --tail or both/],
  [["--head", "n5", "--relation", "plus9", "--tail", "n14"], /Leave out what you ask for/],
  [["--head", "n5", "--new"], /--new: it needs --data/],
])("a query that asks for nothing is bad usage (%j)", async (args, message) => {
  const { code, stderr } = await mulde(["predict", model, ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

test.each([
  [["--head", "n5x", "--relation", "plus1"], "--head", /--head: The model has no entity "n5x".*did you mean "n5/],
  [["--tail", "n5", "--relation", "plus2"], "--relation", /--relation: The model has no relation "plus2".*"plus/],
])("an unknown name is an error with a suggestion (%j)", async (args, flag, message) => {
  const { code, stdout } = await mulde(["predict", model, ...args, "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "MODELS_UNKNOWN_NAME", message: expect.stringMatching(message) as string, path: [flag] },
  });
});
