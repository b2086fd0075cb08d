import { expect, test } from "vitest";
import {
  countRanks,
  denseScorer,
  evaluate,
  type EvaluateOptions,
  ranksFromCounts,
  rankTriples,
  summarise,
  teacherScorer,
} from "../src/index.js";

const ids = (...values: readonly number[]): Int32Array => Int32Array.from(values);
const triples = { heads: ids(0), relations: ids(0), tails: ids(1), length: 1 };
const options: EvaluateOptions = { triples, numRelations: 1 };
const scorer = denseScorer(new Float32Array(2 * 3 * 3), 3);
const queries = { heads: ids(0), relations: ids(0), filterOffsets: ids(0, 0), filterIds: ids() };
const counts = { greater: ids(0), equal: ids(0) };
/** What callers without a compiler may pass. */
const any = (value: unknown): never => value as never;

test.each<[string, () => unknown, readonly (string | number)[]]>([
  ["no scorer", () => evaluate(any(null), options), ["scorer"]],
  ["no options", () => evaluate(scorer, any(undefined)), ["options"]],
  ["rankTriples without arguments", () => rankTriples(any(undefined), any(undefined)), ["scorer"]],
  ["a trillion entities", () => evaluate({ ...scorer, numEntities: 1e12 }, options), ["scorer", "numEntities"]],
  [
    "Hits with a hole",
    () => evaluate(scorer, { ...options, hitsAt: any(Object.assign(new Array(2), { 0: 1 })) }),
    ["hitsAt", 1],
  ],
  ["Hits that are no list", () => evaluate(scorer, { ...options, hitsAt: any(10) }), ["hitsAt"]],
  ["a progress that is no function", () => evaluate(scorer, { ...options, onProgress: any(7) }), ["onProgress"]],
  ["a signal that is none", () => evaluate(scorer, { ...options, signal: any({}) }), ["signal"]],
  ["no teacher", () => teacherScorer(any(undefined), { entities: 3 }), ["teacher"]],
  ["a teacher without options", () => teacherScorer({ score: () => undefined }, any(undefined)), ["options"]],
  ["no ranks", () => summarise(any(undefined), 3), ["ranks"]],
  ["no candidates", () => summarise([1], any(undefined)), ["candidates"]],
  ["no counts", () => ranksFromCounts(any(undefined)), ["counts"]],
  ["an unknown tie", () => ranksFromCounts(counts, any("best")), ["tie"]],
  [
    "a target out of range",
    () => {
      countRanks(new Float32Array(3), 3, { ...queries, targets: ids(3) }, counts);
    },
    ["targets", 0],
  ],
])("%s is refused by name", async (_, call, path) => {
  await expect(Promise.resolve().then(call)).rejects.toMatchObject({ code: "EVAL_BAD_OPTION", path });
});

test("known answers that are nothing are refused, not taken for none", async () => {
  const known = { answers: () => any(undefined) };
  await expect(evaluate(scorer, { ...options, known })).rejects.toMatchObject({ code: "EVAL_BAD_FILTER" });
});

const ranked = (changed: object) => () => rankTriples(scorer, { ...options, ...changed });
const counted = (target: number) => () => {
  countRanks(new Float32Array(2), 2, { ...queries, targets: ids(target) }, counts);
};

test.each<[string, () => unknown]>([
  ["scorer: must be a scorer, such as modelScorer(model), but is null.", () => rankTriples(any(null), options)],
  ['scorer: must be a scorer, such as modelScorer(model), but is "x".', () => rankTriples(any("x"), options)],
  [
    "options: must be an object with triples and numRelations, but is undefined.",
    () => rankTriples(scorer, any(undefined)),
  ],
  [
    "scorer.numEntities: may be at most 2147483647, but is 2147483648.",
    () => rankTriples({ ...scorer, numEntities: 2 ** 31 }, options),
  ],
  ["batchSize: must be a positive integer, but is an object.", ranked({ batchSize: {} })],
  ["batchSize: must be a positive integer, but is an array.", ranked({ batchSize: [1] })],
  ["batchSize: must be a positive integer, but is null.", ranked({ batchSize: null })],
  ["onProgress: must be a function, but is 1.", ranked({ onProgress: 1 })],
  ["signal: must be an object with a function throwIfAborted, but is null.", ranked({ signal: null })],
  ["signal: has no function throwIfAborted.", ranked({ signal: {} })],
  [
    "teacher: must be an object with a function score, but is undefined.",
    () => teacherScorer(any(undefined), { entities: 1 }),
  ],
  ["options: must be an object with entities, but is 1.", () => teacherScorer({ score: () => undefined }, any(1))],
  ["counts: must be an object with greater and equal, but is null.", () => ranksFromCounts(any(null))],
  ["counts.greater: must be a list of numbers, but is 1.", () => ranksFromCounts({ ...counts, greater: any(1) })],
  ["counts.equal: must be a list of numbers, but is an object.", () => ranksFromCounts({ ...counts, equal: any({}) })],
  ["hitsAt: must be a list of numbers, but is 10.", () => summarise([1], 2, any(10))],
  ['ranks: must be a list of numbers, but is "1".', () => summarise(any("1"), 2)],
  ["candidates: must be a list of numbers, but is null.", () => summarise([1], any(null))],
  ["targets.0: 2 is outside 0..1.", counted(2)],
  ["targets.0: -1 is outside 0..1.", counted(-1)],
])("the words are: %s", async (message, call) => {
  await expect(Promise.resolve().then(call)).rejects.toMatchObject({ message });
});

test("a teacher may be a function that has a method score", () => {
  const teacher = Object.assign(() => undefined, { score: () => undefined });
  expect(teacherScorer(teacher, { entities: 2 }).numEntities).toBe(2);
});
