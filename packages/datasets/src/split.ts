import { z } from "zod";
import { checkCount } from "./_arguments.js";
import { parseOptions } from "./_options.js";
import { Random } from "./_random.js";
import type { TripleList } from "./triples.js";
import { checkTriples } from "./triples.js";

/** How to split triples. */
export interface SplitOptions {
  /** The share of the triples for validation, from 0 to 1. Default 0.05. */
  readonly valid?: number | undefined;
  /** The share of the triples for testing, from 0 to 1. Default 0.05. */
  readonly test?: number | undefined;
  /** The same seed and triples give the same split. Default 0. */
  readonly seed?: number | undefined;
}

/** The three parts of a split, each in the original order. */
export interface TripleSplit {
  readonly train: TripleList;
  readonly valid: TripleList;
  readonly test: TripleList;
}

const schema = z
  .object({
    valid: z.number().min(0).max(1).default(0.05),
    test: z.number().min(0).max(1).default(0.05),
    seed: z.int().default(0),
  })
  .refine(({ valid, test }) => valid + test < 1, {
    path: ["valid"],
    message: "valid and test together must leave triples to train on",
  });

/** @internal Checks split options and fills in their defaults. */
export function parseSplitOptions(options: SplitOptions | undefined): z.output<typeof schema> {
  return parseOptions(schema, options);
}

const TRAIN = 0;
const VALID = 1;
const TEST = 2;

/**
 * Splits triples at random with two guarantees: every entity and relation of valid and test occurs in train, and all triples between the
 * same two entities (both directions, several relations, duplicates) are in one part. No part exceeds its share of the triples, and each
 * reaches it if the guarantees allow.
 * @throws MuldeError DATA_BAD_OPTION, DATA_ID_RANGE or DATA_BAD_ARGUMENT.
 */
export function splitTriples(
  triples: TripleList,
  numEntities: number,
  numRelations: number,
  options?: SplitOptions,
): TripleSplit {
  const { valid, test, seed } = parseSplitOptions(options);
  checkCount(numEntities, "numEntities");
  checkCount(numRelations, "numRelations");
  checkTriples(triples, numEntities, numRelations, ["triples"]);
  const { heads, relations, tails, length } = triples;
  const { start, members } = groupByPair(triples, numEntities);

  // How often each entity and relation occurs in train. Taking a group away must leave one of each.
  const entityLeft = new Int32Array(numEntities);
  const relationLeft = new Int32Array(numRelations);
  const count = (group: number, by: 1 | -1): void => {
    for (let k = start[group]!; k < start[group + 1]!; k++) {
      const i = members[k]!;
      entityLeft[heads[i]!]! += by;
      entityLeft[tails[i]!]! += by;
      relationLeft[relations[i]!]! += by;
    }
  };
  const missing = (group: number): boolean => {
    for (let k = start[group]!; k < start[group + 1]!; k++) {
      const i = members[k]!;
      if (entityLeft[heads[i]!] === 0 || entityLeft[tails[i]!] === 0 || relationLeft[relations[i]!] === 0) return true;
    }
    return false;
  };

  const groups = new Int32Array(start.length - 1);
  for (let group = 0; group < groups.length; group++) {
    groups[group] = group;
    count(group, 1);
  }
  new Random(seed).shuffle(groups);

  const part = new Uint8Array(length);
  const room = [0, Math.round(length * valid), Math.round(length * test)];
  for (const group of groups) {
    const size = start[group + 1]! - start[group]!;
    const target = size <= room[TEST]! ? TEST : size <= room[VALID]! ? VALID : TRAIN;
    if (target === TRAIN) continue;
    count(group, -1);
    if (missing(group)) {
      count(group, 1);
      continue;
    }
    room[target]! -= size;
    for (let k = start[group]!; k < start[group + 1]!; k++) part[members[k]!] = target;
  }
  return {
    train: select(triples, part, TRAIN),
    valid: select(triples, part, VALID),
    test: select(triples, part, TEST),
  };
}

/** Groups triples by unordered pair of entities: group g is `members[start[g], start[g + 1])`. */
function groupByPair(triples: TripleList, numEntities: number): { start: Int32Array; members: Int32Array } {
  const { heads, tails, length } = triples;
  const keys = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    keys[i] = Math.min(heads[i]!, tails[i]!) * numEntities + Math.max(heads[i]!, tails[i]!);
  }
  const distinct = keys.slice().sort();
  let numGroups = 0;
  for (let i = 0; i < length; i++) {
    if (i === 0 || distinct[i] !== distinct[i - 1]) distinct[numGroups++] = distinct[i]!;
  }
  const groupOf = new Int32Array(length);
  const start = new Int32Array(numGroups + 1);
  for (let i = 0; i < length; i++) {
    const group = indexOf(distinct, numGroups, keys[i]!);
    groupOf[i] = group;
    start[group + 1]!++;
  }
  for (let group = 0; group < numGroups; group++) start[group + 1]! += start[group]!;
  const next = start.slice(0, numGroups);
  const members = new Int32Array(length);
  for (let i = 0; i < length; i++) members[next[groupOf[i]!]!++] = i;
  return { start, members };
}

/** The position of `value` in the first `length` values of `sorted`, which contain it. */
function indexOf(sorted: Float64Array, length: number, value: number): number {
  let from = 0;
  let to = length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

function select(triples: TripleList, part: Uint8Array, wanted: number): TripleList {
  const inPart = (_: number, i: number): boolean => part[i] === wanted;
  const heads = triples.heads.filter(inPart);
  return {
    heads,
    relations: triples.relations.filter(inPart),
    tails: triples.tails.filter(inPart),
    length: heads.length,
  };
}
