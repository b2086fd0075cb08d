import { describe, expect, it } from "vitest";
import type { SyntheticOptions, TripleList } from "../src/index.js";
import { concatTriples, syntheticDataset, tripleList } from "../src/index.js";
import { Random } from "../src/_random.js";
import { rows } from "./_files.js";

const small = { entities: 2000, triples: 20_000 } as const;

function allOf({ train, valid, test }: Record<"train" | "valid" | "test", TripleList>): TripleList {
  return concatTriples(train, valid, test);
}

/** The degrees of all entities, in descending order. */
function degrees({ heads, tails }: TripleList, numEntities: number): number[] {
  const degree = new Array<number>(numEntities).fill(0);
  for (const id of [...heads, ...tails]) degree[id]!++;
  return degree.sort((a, b) => b - a);
}

/** The share of all ends of triples at the hundredth of the entities with the highest degrees. */
function topShare(degree: readonly number[]): number {
  const sum = (part: readonly number[]): number => part.reduce((total, d) => total + d, 0);
  return sum(degree.slice(0, degree.length / 100)) / sum(degree);
}

/** The maximum-likelihood exponent of the degrees from `least` up (Clauset, Shalizi and Newman 2009, equation 3.7). */
function fittedExponent(degree: readonly number[], least: number): number {
  const tail = degree.filter((d) => d >= least);
  return 1 + tail.length / tail.reduce((sum, d) => sum + Math.log(d / (least - 0.5)), 0);
}

/** A graph of the same size with uniform ends, which the tests of the tail must tell apart. */
function uniformTriples(entities: number, triples: number): TripleList {
  const random = new Random(1);
  const draw = (): Int32Array => Int32Array.from({ length: triples }, () => random.below(entities));
  return tripleList(draw(), new Int32Array(triples), draw());
}

describe("a synthetic graph", () => {
  it("has the sizes that were asked for, and each entity and relation occurs", () => {
    const dataset = syntheticDataset({ ...small, relations: 30, valid: 0.02, test: 0.01 });
    const all = allOf(dataset);
    expect([dataset.entities.size, dataset.relations.size, all.length]).toEqual([2000, 30, 20_000]);
    expect([dataset.train.length, dataset.valid.length, dataset.test.length]).toEqual([19_400, 400, 200]);
    expect(new Set([...all.heads, ...all.tails]).size).toBe(2000);
    expect(new Set(all.relations).size).toBe(30);
    expect([dataset.entities.name(1999), dataset.relations.name(0)]).toEqual(["e1999", "r0"]);
  });

  it.each([
    ["six entities", { entities: 6, triples: 60, relations: 20 }],
    ["as many triples as entities", { entities: 500, triples: 500 }],
    ["as many triples as relations, more than entities", { entities: 50, triples: 300, relations: 300 }],
    ["the densest", { entities: 30, triples: 1740, relations: 20, exponent: 2 }],
    ["a steep exponent", { entities: 300, triples: 900, exponent: 10, relationExponent: 10 }],
  ] as [string, SyntheticOptions][])("can have %s", (_, options) => {
    const all = allOf(syntheticDataset(options));
    expect(all.length).toBe(options.triples);
    expect(new Set([...all.heads, ...all.tails]).size).toBe(options.entities);
    expect(new Set(rows(all).map(String)).size).toBe(options.triples);
  });

  it("holds each triple once, and none that links an entity with itself", () => {
    const all = rows(allOf(syntheticDataset({ entities: 100, triples: 5000, relations: 10 })));
    expect(new Set(all.map(String)).size).toBe(5000);
    expect(all.filter(([head, , tail]) => head === tail)).toEqual([]);
  });

  it("has every entity and relation of valid and test in train", () => {
    const { train, valid, test } = syntheticDataset({ entities: 1000, triples: 2500, valid: 0.2, test: 0.2 });
    const entities = new Set([...train.heads, ...train.tails]);
    const relations = new Set(train.relations);
    expect(valid.length + test.length).toBeGreaterThan(500);
    for (const [head, relation, tail] of [...rows(valid), ...rows(test)]) {
      expect(entities.has(head) && relations.has(relation) && entities.has(tail)).toBe(true);
    }
  });

  it("depends on options and seed alone", () => {
    const { fingerprint } = syntheticDataset({ ...small, seed: 5 });
    expect(syntheticDataset({ ...small, seed: 5 }).fingerprint).toBe(fingerprint);
    expect(syntheticDataset({ ...small, seed: 6 }).fingerprint).not.toBe(fingerprint);
    expect(syntheticDataset({ ...small, seed: 5 + 2 ** 40 }).fingerprint).not.toBe(fingerprint);
    expect(syntheticDataset({ ...small, seed: 5, exponent: 2.6 }).fingerprint).not.toBe(fingerprint);
  });

  it("is stable over releases", () => {
    const { fingerprint } = syntheticDataset(small);
    expect(fingerprint).toMatchInlineSnapshot(`"2be8144cde5a95aa304d05fea6217645febca763e7e766cb971be1fb08b54b6c"`);
  });

  it.each([2.2, 2.5, 3])("has entity degrees with the exponent %d, which a uniform graph has not", (exponent) => {
    const [entities, triples] = [20_000, 200_000];
    const degree = degrees(allOf(syntheticDataset({ entities, triples, exponent })), entities);
    const uniform = degrees(uniformTriples(entities, triples), entities);
    // From the mean degree of 20 up; below it stand the entities' first triples.
    expect(Math.abs(fittedExponent(degree, 20) - exponent)).toBeLessThan(0.2);
    expect(fittedExponent(uniform, 20)).toBeGreaterThan(4);
    // Of a uniform graph the share is little above a hundredth.
    expect(topShare(degree)).toBeGreaterThan({ 2.2: 0.28, 2.5: 0.16, 3: 0.08 }[exponent]!);
    expect(topShare(uniform)).toBeLessThan(0.02);
  });

  it("has relations whose frequency falls as one over their rank", () => {
    const { relations } = allOf(syntheticDataset({ ...small, relations: 50 }));
    const frequency = new Array<number>(50).fill(0);
    for (const relation of relations) frequency[relation]!++;
    // The density 1 / x between j + 1 and j + 2, of log 51 in all.
    for (const j of [0, 1, 4, 9]) {
      const expected = (20_000 * Math.log((j + 2) / (j + 1))) / Math.log(51);
      expect(Math.abs(frequency[j]! / expected - 1)).toBeLessThan(0.1);
    }
  });

  it("has hubs anywhere among the ids", () => {
    const { heads, tails } = allOf(syntheticDataset(small));
    const early = [...heads, ...tails].filter((id) => id < 1000).length;
    expect(Math.abs(early / 40_000 - 0.5)).toBeLessThan(0.2);
  });

  it("refuses sizes that no graph has, and names the option", () => {
    const refused = (options: Partial<SyntheticOptions>, message: RegExp): void => {
      expect(() => syntheticDataset({ ...small, ...options })).toThrow(message);
      expect(() => syntheticDataset({ ...small, ...options })).toThrow(
        expect.objectContaining({ name: "MuldeError", code: "DATA_BAD_OPTION" }) as Error,
      );
    };
    refused({ entities: 1 }, /^entities: /);
    refused({ entities: 2.5 }, /^entities: /);
    refused({ triples: 1999 }, /^triples: .*a triple of its own/);
    refused({ relations: 20_001 }, /^triples: .*a triple of its own/);
    refused({ entities: 20, relations: 2 }, /^triples: .*may be at most 0.1/);
    refused({ exponent: 1.9 }, /^exponent: /);
    refused({ relationExponent: Number.NaN }, /^relationExponent: /);
    refused({ valid: 0.5, test: 0.5 }, /^valid: .*must leave triples to train on/);
    refused({ seed: 0.5 }, /^seed: /);
  });
});
