import fc from "fast-check";
import type { KnownAnswers, RankCounts, RankQueries, Scorer, Tie, TripleList } from "../src/index.js";

export type Triple = readonly [head: number, relation: number, tail: number];

export function list(...triples: readonly Triple[]): TripleList {
  const column = (at: 0 | 1 | 2) => Int32Array.from(triples, (triple) => triple[at]);
  return { heads: column(0), relations: column(1), tails: column(2), length: triples.length };
}

/** A scorer from a function of (head, relation 0..2R-1, tail). `blocks` holds the size of every block it was asked for. */
export function scorerOf(
  numEntities: number,
  score: (head: number, relation: number, tail: number) => number,
): Scorer & { readonly blocks: number[] } {
  const blocks: number[] = [];
  return {
    numEntities,
    blocks,
    scoreAll(heads, relations, out) {
      blocks.push(heads.length);
      heads.forEach((head, b) => {
        for (let e = 0; e < numEntities; e++) out[b * numEntities + e] = score(head, relations[b]!, e);
      });
    },
  };
}

/** The same scores by the fused path alone, counted by code of its own. */
export function fusedOf(
  numEntities: number,
  score: (head: number, relation: number, tail: number) => number,
): Scorer & { readonly seen: RankQueries[] } {
  const seen: RankQueries[] = [];
  return {
    numEntities,
    seen,
    scoreAll() {
      throw new Error("the plain path was taken");
    },
    async rank(queries: RankQueries, out: RankCounts) {
      await Promise.resolve();
      seen.push(queries);
      queries.heads.forEach((head, b) => {
        const relation = queries.relations[b]!;
        const filter = new Set(queries.filterIds.slice(queries.filterOffsets[b], queries.filterOffsets[b + 1]));
        const target = queries.targets[b]!;
        const rivals = Array.from({ length: numEntities }, (_, e) => e).filter((e) => e !== target && !filter.has(e));
        const level = score(head, relation, target);
        out.greater[b] = rivals.filter((e) => score(head, relation, e) > level).length;
        out.equal[b] = rivals.filter((e) => score(head, relation, e) === level).length;
      });
    },
  };
}

/** Ranks one query by sorting. */
export function naiveRank(
  numEntities: number,
  scoreOf: (entity: number) => number,
  target: number,
  leftOut: ReadonlySet<number>,
  tie: Tie,
): { rank: number; candidates: number } {
  const entities = Array.from({ length: numEntities }, (_, e) => e).filter((e) => e === target || !leftOut.has(e));
  const scores = entities.map(scoreOf).sort((a, b) => b - a);
  const first = scores.indexOf(scoreOf(target)) + 1;
  const last = scores.lastIndexOf(scoreOf(target)) + 1;
  const rank = tie === "optimistic" ? first : tie === "pessimistic" ? last : (first + last) / 2;
  return { rank, candidates: entities.length };
}

/** Known answers by a search through all triples for each query. */
export function naiveKnown(numRelations: number, triples: readonly Triple[]): KnownAnswers {
  return {
    answers: (head, relation) =>
      [
        ...new Set(
          triples.flatMap(([h, r, t]) =>
            r === relation && h === head ? [t] : r + numRelations === relation && t === head ? [h] : [],
          ),
        ),
      ].sort((a, b) => a - b),
  };
}

export interface Graph {
  readonly numEntities: number;
  readonly numRelations: number;
  readonly triples: readonly Triple[];
  readonly train: readonly Triple[];
  /** A score of (head, relation 0..2R-1, tail), of few values, so that ties are common. */
  readonly score: (head: number, relation: number, tail: number) => number;
}

/** Small graphs with some triples to rank, others that are known, and integer scores from -2 to 2. */
export const graphs: fc.Arbitrary<Graph> = fc
  .record({ numEntities: fc.integer({ min: 1, max: 9 }), numRelations: fc.integer({ min: 1, max: 3 }) })
  .chain(({ numEntities, numRelations }) => {
    const entity = fc.nat({ max: numEntities - 1 });
    const triple = fc.tuple(entity, fc.nat({ max: numRelations - 1 }), entity);
    const size = 2 * numRelations * numEntities * numEntities;
    return fc
      .record({
        triples: fc.array(triple, { minLength: 1, maxLength: 12 }),
        train: fc.array(triple, { maxLength: 25 }),
        table: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: size, maxLength: size }),
      })
      .map(({ triples, train, table }) => ({
        numEntities,
        numRelations,
        triples,
        train,
        score: (head: number, relation: number, tail: number) =>
          table[(relation * numEntities + head) * numEntities + tail]!,
      }));
  });
