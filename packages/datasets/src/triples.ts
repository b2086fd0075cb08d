import { MuldeError } from "@mulde/errors";

/** Triples as columns: triple i is (heads[i], relations[i], tails[i]). */
export interface TripleList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  readonly length: number;
}

/**
 * Three columns of n ids as one list. It keeps Int32Arrays and copies other arrays.
 * @throws MuldeError DATA_SHAPE if the columns differ in length.
 */
export function tripleList(
  heads: ArrayLike<number>,
  relations: ArrayLike<number>,
  tails: ArrayLike<number>,
): TripleList {
  const length = heads.length;
  if (relations.length !== length || tails.length !== length) {
    throw new MuldeError(
      "DATA_SHAPE",
      `The columns have ${length}, ${relations.length} and ${tails.length} ids; give three columns of one length.`,
    );
  }
  return { heads: column(heads), relations: column(relations), tails: column(tails), length };
}

/** One list with the triples of all lists, copied. */
export function concatTriples(...lists: readonly TripleList[]): TripleList {
  const length = lists.reduce((sum, list) => sum + list.length, 0);
  const all = {
    heads: new Int32Array(length),
    relations: new Int32Array(length),
    tails: new Int32Array(length),
    length,
  };
  let at = 0;
  for (const list of lists) {
    all.heads.set(list.heads, at);
    all.relations.set(list.relations, at);
    all.tails.set(list.tails, at);
    at += list.length;
  }
  return all;
}

/**
 * The 2n queries of n triples: the triples (h, r, t), then their reciprocals (t, r + R, h) in the same order. The head query (?, r, t) thus
 * becomes the tail query (t, r + R, ?).
 * @throws MuldeError DATA_ID_RANGE unless all relations are in 0..R-1.
 */
export function withReciprocals(triples: TripleList, numRelations: number): TripleList {
  const n = triples.length;
  const relations = new Int32Array(2 * n);
  relations.set(triples.relations);
  for (let i = 0; i < n; i++) {
    const relation = triples.relations[i]!;
    if (relation < 0 || relation >= numRelations) {
      throw new MuldeError("DATA_ID_RANGE", `${relation} is outside 0..${numRelations - 1}.`, {
        path: ["triples", "relations", i],
        value: relation,
      });
    }
    relations[n + i] = relation + numRelations;
  }
  const heads = new Int32Array(2 * n);
  heads.set(triples.heads);
  heads.set(triples.tails, n);
  const tails = new Int32Array(2 * n);
  tails.set(triples.tails);
  tails.set(triples.heads, n);
  return { heads, relations, tails, length: 2 * n };
}

/** @throws MuldeError DATA_ID_RANGE, with the first triple at fault, unless all ids are in 0..numEntities-1 and 0..numRelations-1. */
export function checkTriples(triples: TripleList, numEntities: number, numRelations: number): void {
  for (let i = 0; i < triples.length; i++) {
    const head = triples.heads[i]!;
    const relation = triples.relations[i]!;
    const tail = triples.tails[i]!;
    const inside =
      head >= 0 && head < numEntities && tail >= 0 && tail < numEntities && relation >= 0 && relation < numRelations;
    if (!inside) {
      throw new MuldeError(
        "DATA_ID_RANGE",
        `Triple ${i}, (${head}, ${relation}, ${tail}), has an id beyond ${numEntities} entities or ${numRelations} relations.`,
        { value: [head, relation, tail] },
      );
    }
  }
}

function column(ids: ArrayLike<number>): Int32Array {
  return ids instanceof Int32Array ? ids : Int32Array.from(ids);
}
