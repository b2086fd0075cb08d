import { beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../src/index.js";
import { loadDataset } from "../src/index.js";
import { namesOf, rows } from "./_files.js";

describe.each([
  ["wordnet31", 38_058, 111_934, 3],
  ["wordnet31-small", 4_956, 18_034, 5],
])("%s", (name, numEntities, numTriples, k) => {
  let dataset: Dataset;
  let all: [number, number, number][];
  beforeAll(async () => {
    dataset = await loadDataset(name);
    all = [dataset.train, dataset.valid, dataset.test].flatMap(rows);
  });

  it("is a core of its size with WN18RR's eleven relations", () => {
    expect(dataset.entities.size).toBe(numEntities);
    expect(dataset.relations.size).toBe(11);
    expect(all).toHaveLength(numTriples);
    expect(new Set(all.map(String)).size).toBe(numTriples);
    const degree = new Int32Array(numEntities);
    for (const [h, , t] of all) {
      degree[h]!++;
      degree[t]!++;
    }
    expect(Math.min(...degree)).toBe(k);
    expect(new Set(all.map(([, r]) => r)).size).toBe(11);
  });

  it("is split 90/5/5 with the guarantees of a split", () => {
    const { train, valid, test } = dataset;
    expect(valid.length).toBe(Math.round(numTriples * 0.05));
    expect(test.length).toBe(Math.round(numTriples * 0.05));
    expect(new Set([...train.heads, ...train.tails]).size).toBe(numEntities);
    expect(new Set(train.relations).size).toBe(11);
    const pair = ([h, , t]: [number, number, number]): string => `${Math.min(h, t)} ${Math.max(h, t)}`;
    const [a, b, c] = [train, valid, test].map((part) => new Set(rows(part).map(pair)));
    expect(a!.size + b!.size + c!.size).toBe(new Set(all.map(pair)).size);
  });

  it("has readable, unique, sorted names with glosses", () => {
    const { names } = dataset.entities;
    expect(names.every((entity) => /^\S+\.[nvasr]\.(0[1-9]|[1-9]\d)$/.test(entity))).toBe(true);
    expect([...names].sort()).toEqual(names);
    expect(dataset.labels).toEqual(names);
    expect(dataset.descriptions).toHaveLength(numEntities);
    expect(dataset.descriptions!.every((gloss) => gloss.length > 0)).toBe(true);
  });
});

describe("the WordNet graph", () => {
  it("says what WordNet says", async () => {
    const { entities, relations, descriptions, ...dataset } = await loadDataset("WordNet31");
    const known = new Set(
      [dataset.train, dataset.valid, dataset.test].flatMap((part) => namesOf(part, entities, relations)),
    );
    expect(known).toContain("dog.n.01 _hypernym canine.n.02");
    expect(known).not.toContain("canine.n.02 _hypernym dog.n.01");
    expect(known).toContain("paris.n.01 _instance_hypernym national_capital.n.01");
    expect(known).toContain("pack.n.06 _member_meronym dog.n.01");
    expect(known).toContain("car.n.01 _has_part accelerator.n.01");
    expect(descriptions![entities.id("dog.n.01")]).toMatch(/^a member of the genus Canis/);
  });

  it("is the same every time", async () => {
    const [one, two] = await Promise.all([loadDataset("wordnet31-small"), loadDataset("wordnet31-small")]);
    expect(one.fingerprint).toBe(two.fingerprint);
    expect(one.fingerprint).toMatchInlineSnapshot(`"e2bb0cf5dc25f5da2c53de29072956df49e2293e625acad3af579afe3325754c"`);
  });
});
