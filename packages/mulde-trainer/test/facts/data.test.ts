import { tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { noTrainingSplit, prepareData } from "../../src/facts/data.js";
import { ring, without } from "../_planted.js";
import { failure } from "../_runs.js";

const nothing = tripleList(new Int32Array(), new Int32Array(), new Int32Array());

describe("the prepared data", () => {
  it("asks each training triple in both directions, and knows the answers of all splits", () => {
    const data = ring();
    const { queries, known, entities, relations } = prepareData(data);
    expect([entities, relations]).toEqual([24, 4]);
    expect(queries.length).toBe(2 * data.train.length);
    const ask = (i: number) => `${queries.heads[i]} ${queries.relations[i]} ${queries.tails[i]}`;
    const asked = new Set(Array.from({ length: queries.length }, (_, i) => ask(i)));
    for (let i = 0; i < data.train.length; i++) {
      const [h, r, t] = [data.train.heads[i]!, data.train.relations[i]!, data.train.tails[i]!];
      expect(asked.has(`${h} ${r} ${t}`) && asked.has(`${t} ${r + 4} ${h}`)).toBe(true);
    }
    for (const split of [data.train, data.valid, data.test]) {
      for (let i = 0; i < split.length; i++) {
        expect(Array.from(known.answers(split.heads[i]!, split.relations[i]!))).toEqual([split.tails[i]]);
        expect(Array.from(known.answers(split.tails[i]!, split.relations[i]! + 4))).toEqual([split.heads[i]]);
      }
    }
    expect(prepareData(data)).toBe(prepareData(data));
  });

  it("must have something to train and to validate on", () => {
    for (const [split, name] of [
      ["train", "training"],
      ["valid", "validation"],
    ] as const) {
      const { code, path, reason } = failure(() => prepareData({ ...ring(), [split]: nothing }));
      expect([code, path]).toEqual(["TRAINER_DATA", [split]]);
      expect(reason).toContain(`The ${name} split is empty`);
    }
    expect(prepareData({ ...ring(), test: nothing }).entities).toBe(24);
  });

  it("has its own fingerprint, or a hash of all that its splits hold", () => {
    const data = ring();
    expect(prepareData(data).fingerprint).toBe(data.fingerprint);
    const plain = without(data, "fingerprint");
    const hash = prepareData(plain).fingerprint;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(prepareData({ ...plain }).fingerprint).toBe(hash);
    // A split may be a part of longer columns.
    const { heads, relations, tails, length } = plain.valid;
    const padded = (column: Int32Array) => Int32Array.of(7, ...column, 7).subarray(1, 1 + length);
    const valid = tripleList(padded(heads), padded(relations), padded(tails));
    expect(prepareData({ ...plain, valid }).fingerprint).toBe(hash);
    const others = [
      { ...plain, entities: { size: 25 } },
      { ...plain, relations: { size: 5 } },
      { ...plain, valid: plain.test, test: plain.valid },
      { ...plain, valid: { ...plain.valid, heads: plain.valid.tails, tails: plain.valid.heads } },
    ];
    const hashes = others.map((other) => prepareData(other).fingerprint);
    expect(new Set([hash, ...hashes]).size).toBe(5);
  });
});

describe("a missing training split", () => {
  it("is named with the options that need it", () => {
    for (const read of [() => noTrainingSplit.answers(), () => noTrainingSplit.queries]) {
      expect(failure(read)).toMatchObject({
        code: "TRAINER_DATA",
        reason: expect.stringContaining("prepareData(data)") as string,
      });
    }
  });
});
