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
