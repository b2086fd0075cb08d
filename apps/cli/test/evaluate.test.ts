import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadDataset } from "@mulde/datasets";
import { createModel, saveModel } from "@mulde/kge-models";
import { beforeAll, expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { splits, trained, writeGraph } from "./_graph.js";

interface Side {
  readonly mrr: number;
  readonly mr: number;
  readonly hits: Readonly<Record<string, number>>;
  readonly ranks: number;
}

interface Answer extends Side {
  readonly tie: string;
  readonly filtered: boolean;
  readonly head: Side;
  readonly tail: Side;
  readonly seconds: number;
  readonly split: string;
  readonly byRelation?: readonly (Side & { readonly relation: string })[];
  readonly byCategory?: Readonly<Record<string, Side>>;
}

let data: string;
let model: string;

beforeAll(async () => {
  data = writeGraph();
  model = await trained(data);
});

test("evaluate answers with the metrics of both directions and of each", async () => {
  const answer = await muldeJson<Answer>(["evaluate", model, "--data", data, "--split", "test"]);
  const n = splits.test.length;
  expect(answer).toMatchObject({ tie: "realistic", filtered: true, split: "test", ranks: 2 * n });
  expect(Object.keys(answer.hits)).toEqual(["1", "3", "10"]);
  expect(answer.head.ranks).toBe(n);
  expect(answer.tail.ranks).toBe(n);
  expect(answer.mrr).toBeCloseTo((answer.head.mrr + answer.tail.mrr) / 2, 10);
  expect(answer.mr).toBeCloseTo((answer.head.mr + answer.tail.mr) / 2, 10);
  expect(answer.mrr).toBeGreaterThan(0.8);
  expect(answer.seconds).toBeGreaterThan(0);
});

test("without the filter other known answers compete", async () => {
  const filtered = await muldeJson<Answer>(["evaluate", model, "--data", data, "--split", "train"]);
  const raw = await muldeJson<Answer>(["evaluate", model, "--data", data, "--split", "train", "--raw"]);
  expect(raw.filtered).toBe(false);
  expect(raw.ranks).toBe(2 * splits.train.length);
  // Every "near" query has two answers, of which one must come second.
  expect(raw.mrr).toBeLessThan(filtered.mrr - 0.05);
});

test("--by-relation adds every relation by name, and the categories", async () => {
  const { byRelation, byCategory, ranks } = await muldeJson<Answer>([
    "evaluate",
    model,
    "--data",
    data,
    "--by-relation",
  ]);
  expect(byRelation!.map(({ relation }) => relation).sort()).toEqual(["near", "plus1", "plus3", "plus9"]);
  expect(byRelation!.reduce((sum, part) => sum + part.ranks, 0)).toBe(ranks);
  expect(byCategory!["N-N"]!.ranks).toBe(byRelation!.find(({ relation }) => relation === "near")!.ranks);
});

test("--tie changes how equal scores count", async () => {
  const of = (tie: string): Promise<Answer> => muldeJson<Answer>(["evaluate", model, "--data", data, "--tie", tie]);
  const [optimistic, realistic, pessimistic] = [await of("optimistic"), await of("realistic"), await of("pessimistic")];
  expect(optimistic.tie).toBe("optimistic");
  expect(optimistic.mrr).toBeGreaterThanOrEqual(realistic.mrr);
  expect(realistic.mrr).toBeGreaterThanOrEqual(pessimistic.mrr);
});

test("evaluate prints a table for people", async () => {
  const { code, stdout } = await mulde(["evaluate", model, "--data", data, "--by-relation"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ring, test split, filtered, realistic ranks, /);
  expect(stdout).toMatch(/\nrelation +MRR +head MRR +tail MRR +Hits@10 +ranks\n/);
});

test("long names of relations are cut in their middle, to 80 columns", async () => {
  const long = "https://example.org/a/rather/long/address/of/a/relation/named#";
  const named = writeGraph(([head, relation, tail]) => [head, long + relation, tail]);
  const { stdout } = await mulde(["evaluate", await trained(named, "TransE", 2), "--data", named, "--by-relation"]);
  expect(stdout).toMatch(/\nhttps:.*….*#plus1 /);
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("data without a validation split can be evaluated", async () => {
  const unvalidated = writeGraph();
  writeFileSync(join(unvalidated, "valid.txt"), "");
  const { entities, relations, name, fingerprint } = await loadDataset(unvalidated);
  const saved = join(temporary(), "saved");
  const own = await createModel({ model: "TransE", dim: 4, entities: entities.size, relations: relations.size });
  const names = { entities: entities.names, relations: relations.names };
  await saveModel(own, saved, { ...names, dataset: { name, fingerprint } });
  const { ranks } = await muldeJson<Answer>(["evaluate", saved, "--data", unvalidated]);
  expect(ranks).toBe(2 * splits.test.length);
});

test("data of another fingerprint is refused", async () => {
  const other = writeGraph(([head, relation, tail]) => [tail, relation, head]);
  const { code, stderr } = await mulde(["evaluate", model, "--data", other]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /The model .* was trained on ring \(fingerprint \w+\), but the data given is ring \(fingerprint/,
  );
});

test("the order of columns is the readers'", async () => {
  const turned = writeGraph(([head, relation, tail]) => [tail, relation, head]);
  const answer = await muldeJson<Answer>(["evaluate", model, "--data", turned, "--columns", "trh"]);
  expect(answer.mrr).toBeGreaterThan(0.8);
});
