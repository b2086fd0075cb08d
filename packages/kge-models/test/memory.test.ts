import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKernels, type Engine, Kernels } from "@mulde/kernels";
import { beforeAll, describe, expect, it } from "vitest";
import {
  AllPass,
  CandidatePass,
  createModel,
  type KgeModel,
  loadModel,
  modelScorer,
  modelTeacher,
  saveModel,
} from "../src/index.js";
import "./_backends.js";

const shape = { dim: 6, entities: 40, relations: 3 };
const heads = Int32Array.of(0, 1);
const relations = Int32Array.of(5, 0);

let wasm: Engine;
beforeAll(async () => {
  wasm = (await createKernels({ engine: "wasm", threads: 1 })).engine;
});

/** Kernels that note which arrays are in use, and can fail at an allocation. */
function counting(): { kernels: Kernels; live: Set<unknown>; failAt: (allocation: number) => void } {
  const live = new Set<unknown>();
  let left = Infinity;
  const noted = <T>(array: () => T): T => {
    if (left-- <= 0) throw new RangeError("out of memory");
    const made = array();
    live.add(made);
    return made;
  };
  const engine: Engine = {
    ...wasm,
    float32: (length) => noted(() => wasm.float32(length)),
    int32: (length) => noted(() => wasm.int32(length)),
    float64: (length) => noted(() => wasm.float64(length)),
    free: (...arrays) => {
      for (const array of arrays) if (array && !live.delete(array)) throw new Error("freed twice");
      wasm.free(...arrays);
    },
  };
  return { kernels: new Kernels(engine), live, failAt: (allocation) => (left = allocation) };
}

function use(model: KgeModel): void {
  for (const count of [3, 30, 1500]) {
    const queries = { heads: new Int32Array(count), relations: new Int32Array(count) };
    model.scoreAll(queries);
    model.topK(queries, 5);
  }
  using candidates = new CandidatePass(model, 4, 3);
  candidates.forward(new Int32Array(4), new Int32Array(4), new Int32Array(12));
  candidates.backward(new Float32Array(12));
  using all = new AllPass(model, 4);
  all.crossEntropy(heads, relations, heads);
}

describe("memory on WebAssembly", () => {
  it("comes back at dispose, with that of inference and passes", async () => {
    const { kernels, live } = counting();
    const once = async (): Promise<void> => {
      using model = await createModel({ model: "AttH", ...shape, kernels });
      use(model);
    };
    await once();
    // What the kernels keep for themselves.
    const kept = live.size;
    await once();
    expect(live.size).toBe(kept);
  });

  it("comes back where an allocation fails, whichever it is", async () => {
    const { kernels, live, failAt } = counting();
    const model = await createModel({ model: "AttH", ...shape, curvature: "relation", kernels });
    const makers = [
      () => createModel({ model: "AttH", ...shape, kernels }),
      () => Promise.resolve().then(() => new CandidatePass(model, 4, 3)),
      () => Promise.resolve().then(() => new AllPass(model, 4)),
      () => Promise.resolve().then(() => model.scoreAll({ heads, relations })),
    ];
    for (const make of makers) {
      let failures = 0;
      for (; ; failures++) {
        const before = live.size;
        failAt(failures);
        const error: unknown = await make().then(
          () => undefined,
          (caught: unknown) => caught,
        );
        failAt(Infinity);
        model.inference.dispose();
        if (error === undefined) break;
        expect(error).toBeInstanceOf(RangeError);
        expect(live.size).toBe(before);
      }
      expect(failures).toBeGreaterThan(3);
    }
  });

  it("comes back where a saved model does not fit its files", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mulde-memory-"));
    const { kernels, live } = counting();
    const model = await createModel({ model: "TransE", ...shape, kernels });
    const names = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`);
    await saveModel(model, directory, { entities: names(40), relations: names(3) });
    const config = { format: 1, ...model.config, dim: 8 };
    await writeFile(join(directory, "config.json"), JSON.stringify(config));
    const before = live.size;
    await expect(loadModel(directory, { kernels })).rejects.toMatchObject({ code: "MODELS_FILE" });
    expect(live.size).toBe(before);
    await rm(directory, { recursive: true });
  });

  it("is not freed twice, when it would be another model's", async () => {
    const kernels = new Kernels(wasm);
    const make = () => createModel({ model: "TransE", ...shape, kernels });
    const first = await make();
    const firstPass = new CandidatePass(first, 2, 2);
    const firstAll = new AllPass(first, 2);
    const ends = [() => first.dispose(), () => firstPass.dispose(), () => firstAll.dispose()];
    for (const end of ends) end();
    const second = await make();
    const secondPass = new CandidatePass(second, 2, 2);
    for (const end of ends) end();
    const third = await make();
    third.table("entity").data.fill(7);
    const thirdPass = new CandidatePass(third, 2, 2);
    expect(second.table("entity").data.includes(7)).toBe(false);
    const ids = Int32Array.of(0, 1, 2, 3);
    const scores = [...secondPass.forward(heads, relations, ids)];
    thirdPass.forward(heads, relations, ids);
    expect([...secondPass.forward(heads, relations, ids)]).toEqual(scores);
  });
});

describe("after dispose", () => {
  const refused = expect.objectContaining({ name: "MuldeError", code: "MODELS_DISPOSED" }) as Error;

  it("a model refuses everything that reads its parameters", async () => {
    const model = await createModel({ model: "RotH", ...shape });
    const scorer = modelScorer(model);
    const teacher = modelTeacher(model, "t");
    const { inference } = model;
    const pass = new CandidatePass(model, 2, 1);
    const { parameters, bytes } = model;
    model.dispose();
    const queries = { heads, relations };
    const out = new Float32Array(80);
    const uses = [
      () => model.tables,
      () => model.table("entity"),
      () => model.curvature(0),
      () => model.inference,
      () => model.score({ ...queries, tails: heads, length: 2 }),
      () => model.scoreAll(queries),
      () => model.topK(queries, 1),
      () => scorer.scoreAll(heads, relations, out),
      () => teacher.score(heads, relations, heads, out),
      () => inference.scoreAll(heads, relations, out),
      () => pass.forward(heads, relations, heads),
      () => new CandidatePass(model, 2, 1).forward(heads, relations, heads),
      () => new AllPass(model, 2).crossEntropy(heads, relations, heads),
    ];
    for (const run of uses) expect(run, String(run)).toThrow(refused);
    await expect(saveModel(model, "nowhere", { entities: [], relations: [] })).rejects.toThrow();
    expect(() => model.table("entity")).toThrow(/The model RotH was disposed/);
    expect([model.parameters, model.bytes, model.dim]).toEqual([parameters, bytes, 6]);
    model.dispose();
  });

  it("a pass refuses to go on", async () => {
    const model = await createModel({ model: "RotE", ...shape });
    const candidates = new CandidatePass(model, 2, 1);
    candidates.forward(heads, relations, heads);
    const all = new AllPass(model, 2);
    for (const pass of [candidates, all, all]) pass.dispose();
    expect(() => candidates.forward(heads, relations, heads)).toThrow(refused);
    expect(() => candidates.backward(new Float32Array(2))).toThrow(refused);
    expect(() => all.crossEntropy(heads, relations, heads)).toThrow(refused);
    expect(model.scoreAll({ heads, relations })).toHaveLength(80);
  });
});
