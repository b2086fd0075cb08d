import { loadModel } from "@mulde/kge-models";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson } from "./_cli.js";
import { splits, trained, writeGraph } from "./_graph.js";

interface Answer {
  readonly query: { readonly head: string | null; readonly relation: string; readonly tail: string | null };
  readonly predictions: readonly {
    readonly rank: number;
    readonly entity: string;
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
  expect(predictions.map(({ entity }) => entity)).toEqual(best.slice(0, 7).map(({ entity }) => entity));
  predictions.forEach(({ score, rank, known, split }, i) => {
    expect(score).toBeCloseTo(best[i]!.score, 4);
    expect({ rank, known, split }).toEqual({ rank: i + 1, known: null, split: null });
  });
  expect(predictions[0]!.entity).toBe("n14");
});

test("predict --tail asks for heads", async () => {
  const { query, predictions } = await muldeJson<Answer>(["predict", model, "--tail", "n14", "--relation", "plus9"]);
  expect(query).toEqual({ head: null, relation: "plus9", tail: "n14" });
  expect(predictions).toHaveLength(10);
  expect(predictions[0]!.entity).toBe("n5");
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
  for (const { entity, known: marked, split } of predictions) {
    const expected = known.find((answer) => answer.entity === entity);
    expect({ marked, split }).toEqual({ marked: expected !== undefined, split: expected?.split ?? null });
  }
});

test("predict prints a table for people", async () => {
  const args = ["predict", model, "--head", "n5", "--relation", "plus9", "--top", "3", "--data", data];
  const { stdout } = await mulde(args);
  expect(stdout).toMatch(
    /^\(n5, plus9, \?\)\n +entity +score +known from\n1 +n14 +-?\d+\.\d{3} +(train|valid|test)\n2 /,
  );
});

test.each([
  [
    ["--head", "n5"],
    ["--tail", "n6"],
  ],
  [[], []],
])("either --head or --tail must be given (%j %j)", async (first, second) => {
  const { code, stderr } = await mulde(["predict", model, "--relation", "plus9", ...first, ...second]);
  expect(code).toBe(2);
  expect(stderr).toContain("give either --head");
});

test.each([
  [["--head", "n5x", "--relation", "plus1"], /--head: the model knows no entity "n5x".*did you mean "n5/],
  [["--tail", "n5", "--relation", "plus2"], /--relation: the model knows no relation "plus2".*did you mean "plus/],
])("an unknown name is an error with a suggestion (%j)", async (args, message) => {
  const { code, stderr } = await mulde(["predict", model, ...args]);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});
