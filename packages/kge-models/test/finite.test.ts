// A model with one parameter that is NaN or infinite: no ranking and no answer comes of it, whichever table, engine and similarity it is.
import { createKernels, type Kernels } from "@mulde/kernels";
import type { MuldeError } from "@mulde/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModel, type KgeModel, modelScorer, NamedModel } from "../src/index.js";
import "./_backends.js";

const [N, R] = [70, 3];
// The row that is spoilt: an entity that nobody asks about, and one that is asked about.
const [rival, head, relation, target, filtered] = [65, 4, 1, 9, 33];
const values = [NaN, Infinity, -Infinity];
const models = [
  ["TransE", "relation"],
  ["ComplEx", "relation"],
  ["RotH", "relation"],
  ["RotH", "shared"],
  ["AttH", "shared"],
  ["MuRE", "relation"],
  ["CP", "relation"],
  // Without fused kernels.
  ["TuckER", "relation"],
] as const;

describe.each(["native", "wasm"] as const)("on the %s engine", (engine) => {
  let kernels: Kernels | undefined;
  beforeAll(async () => {
    // Without a compiler there is no native engine: the default one then stands for it.
    kernels = await createKernels({ engine, threads: 2 }).catch(() => createKernels({ engine: "wasm", threads: 2 }));
  });
  afterAll(() => kernels?.close());

  describe.each(models)("%s with %s curvature", (model, curvature) => {
    let subject: KgeModel;
    beforeAll(async () => {
      subject = await createModel({ model, dim: 8, entities: N, relations: R, seed: 1, curvature, kernels: kernels! });
    });
    afterAll(() => subject.dispose());

    const queries = { heads: Int32Array.of(0, head), relations: Int32Array.of(0, relation) };
    /** Ranks two queries of which the second is spoilt. */
    const rank = (at: number, leftOut: readonly number[] = []) => {
      const out = { greater: new Int32Array(2), equal: new Int32Array(2) };
      modelScorer(subject).rank(
        {
          ...queries,
          targets: Int32Array.of(at, at),
          filterOffsets: Int32Array.of(0, leftOut.length, 2 * leftOut.length),
          filterIds: Int32Array.of(...leftOut, ...leftOut),
        },
        out,
      );
      return out;
    };
    const spoil = (table: string, row: number, value: number, run: () => void) => {
      const { data, width } = subject.table(table);
      const at = row * width;
      const before = data[at]!;
      data[at] = value;
      subject.touch();
      try {
        run();
      } finally {
        data[at] = before;
        subject.touch();
      }
    };
    /** Expects the error that names a query, unless the scores are finite in spite of it. */
    const refused = (run: () => unknown, entity: number | undefined, code: string) =>
      expect(run).toThrow(
        expect.objectContaining({
          code,
          message: expect.stringMatching(
            /^Entity \d+ scores (NaN|Infinity|-Infinity) in the query \(\d+, \d+, \?\)/,
          ) as string,
          value: expect.objectContaining(entity === undefined ? { head, relation } : { entity }) as unknown,
        }) as MuldeError,
      );
    const names = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

    it.each(values)("ranks nothing if an entity has a %d", (value) => {
      for (const table of ["entity", "tailBias"]) {
        spoil(table, rival, value, () => {
          refused(() => rank(target), rival, "SCORE_NOT_FINITE");
          refused(() => rank(rival), rival, "SCORE_NOT_FINITE");
          refused(() => subject.topK(queries, 5), rival, "MODELS_NOT_FINITE");
          refused(() => subject.topK(queries, N), rival, "MODELS_NOT_FINITE");
          const named = new NamedModel(subject, { entities: names("e", N), relations: names("r", R) });
          refused(() => named.predict({ head: "e4", relation: "r1" }), rival, "MODELS_NOT_FINITE");
          refused(() => named.predict({ relation: "r1", tail: "e4" }), rival, "MODELS_NOT_FINITE");
          refused(() => named.predict({ head: "e4" }), rival, "MODELS_NOT_FINITE");
          refused(() => named.predict({ head: "e4", tail: `e${rival}` }), rival, "MODELS_NOT_FINITE");
        });
        // As with plain scores, one that is left out may be anything.
        const usual = rank(target, [filtered]);
        spoil(table, filtered, value, () => expect(rank(target, [filtered])).toEqual(usual));
      }
    });

    it.each(values)("ranks nothing if a query has a %d", (value) => {
      const own = [...subject.tables.values()].filter(({ name }) => name !== "entity" && name !== "tailBias");
      for (const { name, rows } of own) {
        // An attention's softmax saturates: its scores are finite, and no NaN is ranked.
        if (name === "context" && !Number.isNaN(value)) continue;
        // softplus(-Infinity) is 0, a curvature as good as any.
        if (name === "curvature" && value === -Infinity) continue;
        const row = name === "headBias" ? head : rows === 1 ? 0 : relation;
        spoil(name, row, value, () => {
          const asked = rows === 1 ? undefined : { head, relation };
          for (const [run, code] of [
            [() => rank(target), "SCORE_NOT_FINITE"],
            [() => subject.topK(queries, 5), "MODELS_NOT_FINITE"],
          ] as const) {
            expect(run, `${name} ${value}`).toThrow(
              expect.objectContaining({
                code,
                message: expect.stringMatching(/^Entity \d+ scores .* in the query \(\d+, \d+, \?\)/) as string,
                ...(asked && { value: expect.objectContaining(asked) as unknown }),
              }) as MuldeError,
            );
          }
        });
      }
      spoil("entity", head, value, () => expect(() => rank(target)).toThrow(/in the query \(/));
    });
  });
});
