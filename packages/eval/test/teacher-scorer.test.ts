import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  denseScorer,
  evaluate,
  knownAnswers,
  teacherScorer,
  type CandidateScorer,
  type RankingReport,
} from "../src/index.js";
import { fusedOf, graphs, list } from "./_graphs.js";

/** A teacher by a function of (head, relation 0..2R-1, candidate); `calls` holds B and B x K of every call. */
function teacherOf(
  score: (head: number, relation: number, tail: number) => number,
  wait = false,
): CandidateScorer & { readonly calls: [number, number][] } {
  const calls: [number, number][] = [];
  const write = (heads: Int32Array, relations: Int32Array, candidates: Int32Array, out: Float32Array): void => {
    const K = candidates.length / heads.length;
    candidates.forEach((tail, at) => {
      const b = Math.floor(at / K);
      out[at] = score(heads[b]!, relations[b]!, tail);
    });
  };
  return {
    calls,
    score(heads, relations, candidates, out) {
      calls.push([heads.length, candidates.length]);
      if (!wait) {
        write(heads, relations, candidates, out);
        return undefined;
      }
      return Promise.resolve().then(() => {
        write(heads, relations, candidates, out);
      });
    },
  };
}

function withoutTime(report: RankingReport): Omit<RankingReport, "seconds"> {
  const { seconds, ...rest } = report;
  expect(seconds).toBeGreaterThanOrEqual(0);
  return rest;
}

describe("teacherScorer", () => {
  it("ranks a teacher as a table of its scores and as a fused model are ranked", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.boolean(), async ({ numEntities, numRelations, triples, train, score }, wait) => {
        const options = {
          triples: list(...triples),
          numRelations,
          known: knownAnswers(numEntities, numRelations, list(...triples), list(...train)),
        };
        const table = Float32Array.from({ length: 2 * numRelations * numEntities * numEntities }, (_, at) => {
          const query = Math.floor(at / numEntities);
          return score(query % numEntities, Math.floor(query / numEntities), at % numEntities);
        });
        const scorer = teacherScorer(teacherOf(score, wait), { entities: numEntities });
        const report = withoutTime(await evaluate(scorer, options));
        expect(report).toEqual(withoutTime(await evaluate(denseScorer(table, numEntities), options)));
        expect(report).toEqual(withoutTime(await evaluate(fusedOf(numEntities, score), options)));
      }),
      { numRuns: 100 },
    );
  });

  it("passes at most 2^22 candidates at once, but at least one query", async () => {
    const score = (head: number, relation: number, tail: number): number => (tail * 7 + head * 3 + relation) % 11;
    const teacher = teacherOf(score);
    const entities = 2 ** 20;
    const [heads, relations] = [Int32Array.of(3, 1, 4, 1, 5, 9), Int32Array.of(0, 1, 0, 1, 0, 1)];
    const out = new Float32Array(6 * entities);
    await teacherScorer(teacher, { entities }).scoreAll(heads, relations, out);
    expect(teacher.calls).toEqual([
      [4, 4 * entities],
      [2, 2 * entities],
    ]);
    for (const [b, tail] of [
      [0, 0],
      [3, entities - 1],
      [4, 0],
      [5, 123_456],
    ] as const) {
      expect(out[b * entities + tail]).toBe(score(heads[b]!, relations[b]!, tail));
    }
    const large = teacherOf(() => 0);
    const more = 2 ** 22 + 1;
    await teacherScorer(large, { entities: more }).scoreAll(
      Int32Array.of(0, 0),
      Int32Array.of(0, 0),
      new Float32Array(2 * more),
    );
    expect(large.calls).toEqual([
      [1, more],
      [1, more],
    ]);
  });

  it("keeps a teacher's `this`, and hands the signal on", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    class Own implements CandidateScorer {
      readonly level = 2;
      score(_h: Int32Array, _r: Int32Array, _c: Int32Array, out: Float32Array, options?: { signal?: AbortSignal }) {
        seen.push(options?.signal);
        out.fill(this.level);
      }
    }
    const out = new Float32Array(3);
    await teacherScorer(new Own(), { entities: 3 }).scoreAll(Int32Array.of(0), Int32Array.of(0), out, { signal });
    expect(Array.from(out)).toEqual([2, 2, 2]);
    expect(seen).toEqual([signal]);
  });

  it("lists the candidates once, however often it is asked", async () => {
    const lists = new Set<unknown>();
    const teacher: CandidateScorer = { score: (_h, _r, candidates) => void lists.add(candidates.buffer) };
    const scorer = teacherScorer(teacher, { entities: 3 });
    for (const B of [2, 1, 2]) await scorer.scoreAll(new Int32Array(B), new Int32Array(B), new Float32Array(3 * B));
    expect(lists.size).toBe(1);
  });

  it("refuses scores that the teacher leaves unwritten", async () => {
    const lazy: CandidateScorer = { score: (_h, _r, _c, out) => void out.fill(1, 0, 2) };
    await expect(
      evaluate(teacherScorer(lazy, { entities: 3 }), { triples: list([0, 0, 1]), numRelations: 1 }),
    ).rejects.toMatchObject({ code: "SCORE_NOT_FINITE" });
  });

  it("refuses a teacher of another graph, and what is not a teacher", async () => {
    const teacher = { ...teacherOf(() => 0), entities: 3, relations: 2 };
    const bad = (text: string) =>
      expect.objectContaining({ code: "EVAL_BAD_OPTION", message: expect.stringContaining(text) as string }) as Error;
    expect(() => teacherScorer(teacher, { entities: 4 })).toThrow(bad("scores 3 entities, but 4 are to be ranked"));
    expect(() => teacherScorer(teacher, { entities: 4 })).toThrow(expect.objectContaining({ value: 3 }));
    expect(() => teacherScorer(teacher, { entities: 0 })).toThrow(bad("entities: must be a positive integer"));
    expect(() => teacherScorer({} as CandidateScorer, { entities: 3 })).toThrow(bad("teacher: has no function score"));
    const scorer = teacherScorer(teacher, { entities: 3 });
    await expect(evaluate(scorer, { triples: list([0, 0, 1]), numRelations: 1 })).rejects.toThrow(
      bad("numRelations: is 1, but the scorer's numRelations is 2"),
    );
    expect((await evaluate(scorer, { triples: list([0, 0, 1]), numRelations: 2 })).mr).toBe(2);
  });
});
