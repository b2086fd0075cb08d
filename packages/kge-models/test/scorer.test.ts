import { beforeAll, describe, expect, it } from "vitest";
import { createModel, type KgeModel, modelScorer, modelTeacher } from "../src/index.js";
import "./_backends.js";

let five: KgeModel;
beforeAll(async () => {
  five = await createModel({ model: "TransE", dim: 4, entities: 5, relations: 1, seed: 1 });
});

const ids = (...values: number[]): Int32Array => Int32Array.from(values);
const error = (code: string, message: RegExp): Error =>
  expect.objectContaining({ name: "MuldeError", code, message: expect.stringMatching(message) as string }) as Error;

describe("modelTeacher", () => {
  it("says how many entities and relations it knows, and is called by its model's name unless given one", () => {
    expect(modelTeacher(five)).toMatchObject({ name: "TransE", entities: 5, relations: 1, writesAll: true });
    expect(modelTeacher(five, "older").name).toBe("older");
  });

  it.each<[string, Int32Array, Int32Array, Int32Array, RegExp]>([
    [
      "a candidate",
      ids(0),
      ids(0),
      ids(1e6, 1e6, 1e6, 1e6),
      /candidate at position 0 is 1000000, .* of the teacher "old" go from 0 to 4/,
    ],
    ["a later candidate", ids(0), ids(0), ids(4, 5), /candidate at position 1 is 5,/],
    ["a negative candidate", ids(0), ids(0), ids(-1), /candidate at position 0 is -1, .*indexOf/],
    ["a head", ids(0, 5), ids(0, 0), ids(0, 0), /head at position 1 is 5, .*"old" go from 0 to 4/],
    ["a relation of other data", ids(0), ids(2), ids(0), /relation at position 0 is 2, .*"old" go from 0 to 1/],
  ])("refuses %s that it does not have, by its name", (_, heads, relations, candidates, message) => {
    const out = new Float32Array(candidates.length);
    expect(() => modelTeacher(five, "old").score(heads, relations, candidates, out)).toThrow(
      error("MODELS_ID", message),
    );
  });

  it("refuses arrays that do not fit each other", () => {
    const teacher = modelTeacher(five, "old");
    const score: typeof teacher.score = (...given) => teacher.score(...given);
    const out = new Float32Array(4);
    expect(() => score(ids(0, 1), ids(0), ids(0, 1), out)).toThrow(
      error("MODELS_SHAPE", /1 relations, but there are 2 heads/),
    );
    expect(() => score(ids(0, 1), ids(0, 0), ids(0, 1, 2), out)).toThrow(
      error("MODELS_SHAPE", /B x K ids, .* 2 queries, but holds 3/),
    );
    expect(() => score(ids(), ids(), ids(1), out)).toThrow(error("MODELS_SHAPE", /B x K/));
    expect(() => score(ids(0), ids(0), ids(0, 1, 2, 3, 4), out)).toThrow(
      error("MODELS_SHAPE", /room for B x K = 5 values, but has 4/),
    );
    score(ids(), ids(), ids(), out);
    expect([...out]).toEqual([0, 0, 0, 0]);
  });
});

describe("modelScorer", () => {
  it("says how many entities and relations it knows", () => {
    expect(modelScorer(five)).toMatchObject({ numEntities: 5, numRelations: 1 });
  });

  it("refuses the queries of other data instead of ranking what lies beside its tables", () => {
    const scorer = modelScorer(five);
    const scoreAll: typeof scorer.scoreAll = (...given) => scorer.scoreAll(...given);
    const rank: typeof scorer.rank = (...given) => scorer.rank(...given);
    const out = new Float32Array(5);
    // As filtered ranking asks for the heads of relation 0 in data of four relations.
    expect(() => scoreAll(ids(0), ids(4), out)).toThrow(
      error("MODELS_ID", /relation at position 0 is 4, .* go from 0 to 1/),
    );
    expect(() => scoreAll(ids(5), ids(0), out)).toThrow(error("MODELS_ID", /head/));
    expect(() => scoreAll(ids(0, 1), ids(0, 0), out)).toThrow(error("MODELS_SHAPE", /room for B x N = 10/));
    const query = { heads: ids(0), relations: ids(0), targets: ids(1), filterOffsets: ids(0, 0), filterIds: ids() };
    const counts = { greater: ids(9), equal: ids(9) };
    expect(() => rank({ ...query, relations: ids(4) }, counts)).toThrow(error("MODELS_ID", /relation/));
    expect(() => rank({ ...query, targets: ids(5) }, counts)).toThrow(error("MODELS_ID", /target/));
    expect(() => rank({ ...query, filterOffsets: ids(0) }, counts)).toThrow(error("MODELS_SHAPE", /filterOffsets/));
    expect(() => rank({ ...query, filterOffsets: ids(0, 2) }, counts)).toThrow(error("MODELS_SHAPE", /filterIds/));
    expect(() => rank(query, { ...counts, equal: ids() })).toThrow(error("MODELS_SHAPE", /equal/));
    rank(query, counts);
    expect(counts.greater[0]).toBeLessThan(5);
  });
});
