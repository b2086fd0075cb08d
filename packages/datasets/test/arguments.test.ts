import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as datasets from "../src/index.js";
import { AnswerIndex, createDataset, MuldeError, tripleList, Vocabulary } from "../src/index.js";
import { failureOf } from "./_files.js";

// Types do not keep these out of JavaScript.
const WRONG: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 0.5, NaN, Infinity, 2 ** 31, 1e300, 3n, "", "x", "a\0b", "x".repeat(100_000)],
  ...[Symbol("x"), {}, [], [1, -2], [0.5], ["x"], { length: -1 }, { length: 1e12 }, { length: 2, 0: 1 }, new Map()],
  ...[
    Int32Array.of(0),
    Int32Array.of(-1, 5),
    Float32Array.of(NaN),
    new Date(NaN),
    Object.create(null) as unknown,
    () => 0,
  ],
  ...[
    { heads: [0], relations: [0], tails: [0], length: 1 },
    { heads: Int32Array.of(0), length: 1 },
  ],
  {
    heads: Int32Array.of(0, 1),
    relations: Int32Array.of(0),
    tails: Int32Array.of(0, 1),
    length: 2,
  },
];

const vocabulary = Vocabulary.fromNames(["a", "b"]);
const triples = tripleList([0, 1], [0, 0], [1, 0]);
const index = datasets.indexAnswers(2, 1, triples);
const parts = { name: "x", entities: vocabulary, relations: vocabulary, train: triples, valid: triples, test: triples };

/** Every function of the package with arguments that are right. `undefined` stands where an argument may be left out. */
const CALLS: Readonly<
  Record<string, { readonly call: (...args: never[]) => unknown; readonly right: readonly unknown[] }>
> = {
  createDataset: { call: createDataset, right: [parts] },
  "Vocabulary.fromNames": { call: (names: never) => Vocabulary.fromNames(names), right: [["a"]] },
  "new Vocabulary": { call: (table: never) => new Vocabulary(table), right: [undefined] },
  "new AnswerIndex": {
    call: (...args) => new AnswerIndex(...(args as unknown as ConstructorParameters<typeof AnswerIndex>)),
    right: [2, 1, Int32Array.of(0, 0, 0), new Int32Array(0), Int32Array.of(0), new Int32Array(0)],
  },
  id: { call: (name: never) => vocabulary.id(name), right: ["a"] },
  has: { call: (name: never) => vocabulary.has(name), right: ["a"] },
  name: { call: (id: never) => vocabulary.name(id), right: [0] },
  answers: { call: (h: never, r: never) => index.answers(h, r), right: [0, 0] },
  relations: { call: (h: never) => index.relations(h), right: [0] },
  hasAny: { call: (h: never, r: never) => index.hasAny(h, r), right: [0, 0] },
  "index.has": { call: (h: never, r: never, t: never) => index.has(h, r, t), right: [0, 0, 1] },
  tripleList: { call: datasets.tripleList, right: [[0], [0], [0]] },
  concatTriples: { call: datasets.concatTriples, right: [triples, triples] },
  withReciprocals: { call: datasets.withReciprocals, right: [triples, 1] },
  indexAnswers: { call: datasets.indexAnswers, right: [2, 1, triples] },
  splitTriples: { call: datasets.splitTriples, right: [triples, 2, 1, { seed: 1 }] },
  syntheticDataset: { call: datasets.syntheticDataset, right: [{ entities: 30, triples: 60, relations: 2 }] },
  datasetInfo: { call: datasets.datasetInfo, right: ["WN18RR"] },
  listDatasets: { call: datasets.listDatasets, right: [] },
  defaultCacheDir: { call: datasets.defaultCacheDir, right: [] },
  loadDataset: { call: datasets.loadDataset, right: ["/nowhere/graph", {}] },
  "loadDataset.registered": { call: datasets.loadDataset, right: ["nations", undefined] },
  fetchDataset: { call: datasets.fetchDataset, right: ["wordnet31", { offline: true }] },
  readTriples: { call: datasets.readTriples, right: ["/nowhere/x.tsv", undefined] },
};

// Registered data sets must neither be fetched nor cached here.
beforeAll(() => {
  vi.stubEnv("MULDE_DATASETS_MIRROR", "/nowhere");
  vi.stubEnv("XDG_CACHE_HOME", "/proc/nowhere");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

describe("every function of the package", () => {
  it("is in this test", () => {
    const exported = Object.entries(datasets).flatMap(([name, value]) => (typeof value === "function" ? [name] : []));
    const covered = Object.keys(CALLS).map((name) => name.replace(/^new |\..*$/g, ""));
    expect(exported.filter((name) => !covered.includes(name) && name !== "MuldeError")).toEqual([]);
  });

  it.each(Object.entries(CALLS))(
    "takes or refuses arguments of any kind: %s",
    async (_, { call, right }) => {
      const calls: unknown[][] = right.flatMap((_, at) => WRONG.map((value) => right.with(at, value)));
      // Options and parts with one wrong field, too.
      right.forEach((value, at) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) return;
        for (const key of Object.keys(value)) {
          for (const wrong of WRONG) calls.push(right.with(at, { ...value, [key]: wrong }));
        }
      });
      for (const args of [[], ...calls]) {
        const outcome = await failureOf(Promise.resolve().then(() => call(...(args as never[])))).catch(
          () => undefined,
        );
        if (outcome === undefined) continue;
        const told = `${outcome.name}: ${outcome.message}`.slice(0, 500);
        expect(outcome, told).toBeInstanceOf(MuldeError);
        expect(outcome.code, told).toMatch(/^DATA_/);
        expect(outcome.message.length, told).toBeLessThan(1000);
      }
    },
    60_000,
  );
});

describe("a wrong argument", () => {
  it.each<[string, () => unknown, string, readonly (string | number)[]]>([
    ["no parts", () => createDataset(undefined as never), "DATA_BAD_ARGUMENT", ["parts"]],
    ["a name alone", () => createDataset({ name: "x" } as never), "DATA_BAD_ARGUMENT", ["entities"]],
    [
      "names for a vocabulary",
      () => createDataset({ ...parts, entities: ["a"] as never }),
      "DATA_BAD_ARGUMENT",
      ["entities"],
    ],
    [
      "a part that is missing",
      () => createDataset({ ...parts, test: undefined as never }),
      "DATA_BAD_ARGUMENT",
      ["test"],
    ],
    [
      "plain arrays",
      () => createDataset({ ...parts, valid: { heads: [0], relations: [0], tails: [0], length: 1 } as never }),
      "DATA_BAD_ARGUMENT",
      ["valid", "heads"],
    ],
    ["an id outside", () => createDataset({ ...parts, valid: tripleList([0], [0], [2]) }), "DATA_ID_RANGE", ["valid"]],
    [
      "a label that is none",
      () => createDataset({ ...parts, labels: ["a", 1 as never] }),
      "DATA_BAD_ARGUMENT",
      ["labels", 1],
    ],
    ["one string for names", () => Vocabulary.fromNames("ab"), "DATA_BAD_ARGUMENT", ["names"]],
    ["a name that is a number", () => Vocabulary.fromNames(["a", 1 as never]), "DATA_BAD_ARGUMENT", ["names", 1]],
    ["a negative id", () => tripleList([0, -1], [0, 0], [0, 0]), "DATA_ID_RANGE", ["heads", 1]],
    ["a fraction", () => tripleList([0], [0.5], [0]), "DATA_ID_RANGE", ["relations", 0]],
    ["NaN", () => tripleList([0], [0], [NaN]), "DATA_ID_RANGE", ["tails", 0]],
    ["an id beyond 31 bits", () => tripleList([2 ** 31], [0], [0]), "DATA_ID_RANGE", ["heads", 0]],
    ["no number of entities", () => datasets.indexAnswers(NaN, 1), "DATA_BAD_ARGUMENT", ["numEntities"]],
    ["half a relation", () => datasets.splitTriples(triples, 2, 0.5), "DATA_BAD_ARGUMENT", ["numRelations"]],
    ["negative relations", () => datasets.withReciprocals(triples, -1), "DATA_BAD_ARGUMENT", ["numRelations"]],
    ["no list", () => datasets.concatTriples(triples, 5 as never), "DATA_BAD_ARGUMENT", ["lists", 1]],
    [
      "a column too short",
      () => datasets.withReciprocals({ ...triples, length: 3 }, 1),
      "DATA_BAD_ARGUMENT",
      ["triples", "heads"],
    ],
  ])("is named: %s", (_, call, code, path) => {
    expect(call).toThrow(expect.objectContaining({ name: "MuldeError", code, path }) as Error);
  });

  it("never makes the answer index give what it has not", () => {
    for (const head of [-1, 2, 100, NaN, 0.5]) {
      expect([...index.relations(head)]).toEqual([]);
      expect([...index.answers(head, 0)]).toEqual([]);
    }
    expect([...index.relations(1)]).toEqual([0, 1]);
  });
});

describe("a synthetic graph of absurd size", () => {
  it.each([
    [{ entities: 1e9, triples: 1e9 }, ["entities"]],
    [{ entities: 100, triples: 2 ** 40 }, ["triples"]],
    [{ entities: 2 ** 31, triples: 10 }, ["entities"]],
    [{ entities: 100, triples: 1000, relations: 2 ** 30 }, ["relations"]],
  ])(
    "such as %j is refused before anything is allocated",
    (options, path) => {
      expect(() => datasets.syntheticDataset(options)).toThrow(
        expect.objectContaining({ name: "MuldeError", code: "DATA_BAD_OPTION", path }) as Error,
      );
    },
    5_000,
  );
});
