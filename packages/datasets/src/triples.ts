import { described, MuldeError } from "@mulde/errors";
import { badArgument, checkCount, isObject } from "./_arguments.js";

/** Triples as columns: triple i is (heads[i], relations[i], tails[i]). */
export interface TripleList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  readonly length: number;
}

/**
 * Three columns of n ids as one list. It keeps Int32Arrays and copies other arrays.
 * @throws MuldeError DATA_SHAPE if the columns differ in length, DATA_BAD_ARGUMENT if one is no array, DATA_ID_RANGE if an id is not an
 * integer in 0..2^31-1.
 */
export function tripleList(
  heads: ArrayLike<number>,
  relations: ArrayLike<number>,
  tails: ArrayLike<number>,
): TripleList {
  const columns = {
    heads: column(heads, "heads"),
    relations: column(relations, "relations"),
    tails: column(tails, "tails"),
  };
  const length = columns.heads.length;
  if (columns.relations.length !== length || columns.tails.length !== length) {
    throw new MuldeError(
      "DATA_SHAPE",
      `The columns have ${length}, ${relations.length} and ${tails.length} ids; give three columns of one length.`,
    );
  }
  return { ...columns, length };
}

/**
 * One list with the triples of all lists, copied.
 * @throws MuldeError DATA_BAD_ARGUMENT for anything that is no list.
 */
export function concatTriples(...lists: readonly TripleList[]): TripleList {
  lists.forEach((list, i) => {
    checkList(list, ["lists", i]);
  });
  const length = lists.reduce((sum, list) => sum + list.length, 0);
  checkCount(length, "length");
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
 * @throws MuldeError DATA_ID_RANGE unless all relations are in 0..R-1, DATA_BAD_ARGUMENT for arguments of a wrong kind.
 */
export function withReciprocals(triples: TripleList, numRelations: number): TripleList {
  checkList(triples, ["triples"]);
  checkCount(numRelations, "numRelations");
  checkCount(2 * numRelations, "numRelations");
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

/**
 * Checks what a caller passed as a list.
 * @param path - the argument that holds the list
 * @throws MuldeError DATA_BAD_ARGUMENT unless it is a list; DATA_ID_RANGE, with the first triple at fault, unless all ids are in
 * 0..numEntities-1 and 0..numRelations-1.
 */
export function checkTriples(
  triples: TripleList,
  numEntities: number,
  numRelations: number,
  path: readonly (string | number)[],
): void {
  checkList(triples, path);
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
        { path, value: [head, relation, tail] },
      );
    }
  }
}

/** @throws MuldeError DATA_BAD_ARGUMENT unless the value has three Int32Arrays of its length. */
function checkList(value: unknown, path: readonly (string | number)[]): asserts value is TripleList {
  if (!isObject(value)) throw badArgument(path, "must be a list of triples", value);
  const list = value as Partial<Record<keyof TripleList, unknown>>;
  if (!Number.isInteger(list.length))
    throw badArgument([...path, "length"], "must be the number of triples", list.length);
  for (const key of ["heads", "relations", "tails"] as const) {
    const column = list[key];
    if (!(column instanceof Int32Array)) {
      throw badArgument([...path, key], "must be an Int32Array (tripleList makes a list of plain arrays)", column);
    }
    if (column.length !== list.length) {
      throw badArgument(
        [...path, key],
        `must have as many ids as the list has triples, ${String(list.length)}`,
        column.length,
      );
    }
  }
}

function column(ids: ArrayLike<number>, name: string): Int32Array {
  if (!isObject(ids) || !Number.isInteger(ids.length) || ids.length < 0) {
    throw badArgument([name], "must be an array of ids", ids);
  }
  for (let i = 0; i < ids.length; i++) {
    const id: unknown = ids[i];
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 0x7fffffff) {
      throw new MuldeError("DATA_ID_RANGE", `An id must be an integer in 0..2^31-1; this is ${described(id)}.`, {
        path: [name, i],
        value: id,
      });
    }
  }
  return ids instanceof Int32Array ? ids : Int32Array.from(ids);
}
