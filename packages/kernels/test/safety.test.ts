// No argument makes a kernel read or write outside its arrays. On the native engine, a missing check could end the process.
import { hasCode, type MuldeError } from "@mulde/errors";
import { expect, it } from "vitest";
import { type Engine, freeAll, type KernelArgument, plan as newPlan, pointTable } from "../src/index.js";
import { outputs } from "../src/_arguments.js";
import { kernelNames } from "../src/_fault.js";
import { callAll, type RecordedCall, recorder } from "./_calls.js";
import { onEveryEngine } from "./_engines.js";
import { ints } from "./_model.js";

const codes = ["ARGUMENT", "SHAPE", "LENGTH", "ID", "ORDER"].map((name) => `KERNELS_BAD_${name}`);

// Arrays that may be longer than needed: scratch memory, plans with room for more rows, and packed points, whose panels depend on the
// instruction set.
const roomy =
  /^(partial|sums|kept|buffer|items|counts|losses|notFinite|targetScores|firstLabels|ownLabels|references|byWeight|dPoints|radial|out|out\.rows|out\.offsets|plan\.offsets|rows|packed|points\.packed|size)$/;
// Numbers that no memory access depends on.
const harmless =
  /^(sqrtC|smoothing|weight|positiveWeight|negativeWeight|adversarial|temperature|attentionTemperature|softWeight|trainOnSoft|sorted|sparse|learningRate|beta1|beta2|epsilon|step|weightDecay)$/;
// Whole numbers that may be larger than in the recorded call.
const free = /^(seed|counter|iterations|kind|similarity|encoder)$/;

/** Runs a call with one argument replaced, and returns the error. */
function refused(engine: Engine, { kernel, args }: RecordedCall, i: number, value: unknown): MuldeError | undefined {
  try {
    engine.call(
      kernel,
      args.map((arg, at) => (at === i ? (value as KernelArgument) : arg)),
    );
    return undefined;
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    expect(error.path[0]).toBe(kernel);
    return error;
  }
}

/** The name of an argument, from the error for an invalid one. */
function nameOf(engine: Engine, call: RecordedCall, i: number): string {
  return refused(engine, call, i, "no argument")!.path.slice(1).join(".");
}

onEveryEngine((kernels) => {
  const record = () => {
    const { engine } = kernels();
    const { kernels: recording, calls, guarded } = recorder(engine);
    callAll(recording);
    expect(guarded()).toBe(true);
    return { engine, calls, guarded };
  };

  it("the recorded calls cover every kernel", () => {
    const { engine, calls } = record();
    const tried = new Set(calls.map(({ kernel }) => kernel));
    for (const name of tried)
      expect(() => {
        engine.call(name, []);
      }).toThrow(/^\w+: Takes \d+ arguments, not 0\./);
    expect([...tried].sort()).toEqual([...kernelNames].sort());
  });

  /** Every argument of every call with its name. */
  const all = (calls: readonly RecordedCall[], engine: Engine) =>
    calls.flatMap((call) => call.args.map((value, i) => ({ call, i, value, name: nameOf(engine, call, i) })));

  it("refuses anything but the right kind of argument, and says what it got", () => {
    const { engine, calls } = record();
    for (const { call, i, value, name } of all(calls, engine)) {
      const path = [call.kernel, ...name.split(".")];
      const others = [[1, 2], new Uint16Array(100), new Uint32Array(100), "text", undefined, {}, true];
      for (const other of [...others, ...(typeof value === "number" ? [new Float32Array(9)] : [5])]) {
        const error = refused(engine, call, i, other);
        expect(error, path.join(".")).toMatchObject({ code: "KERNELS_BAD_ARGUMENT", path });
      }
    }
    const heads = calls[0]!.args.findIndex((_, i) => nameOf(engine, calls[0]!, i) === "heads");
    expect(refused(engine, calls[0]!, heads, [1, 8, 0])?.message).toBe(
      "encode.heads: Must be an Int32Array, not an array.",
    );
    expect(refused(engine, calls[0]!, heads, new Float32Array(3))?.message).toBe(
      "encode.heads: Must be an Int32Array, not a Float32Array.",
    );
  });

  it("leaves alone what WebAssembly does not copy back", () => {
    const { engine, calls } = record();
    const looked = new Set<string>();
    for (const { kernel, args } of calls) {
      const before = args.map((arg) => (ArrayBuffer.isView(arg) ? (arg as Float32Array).slice() : arg));
      engine.call(kernel, args);
      for (const [i, written] of outputs(kernel).entries()) {
        if (written || !ArrayBuffer.isView(args[i])) continue;
        looked.add(kernel);
        expect(args[i], `${kernel} ${i}`).toEqual(before[i]);
      }
    }
    expect(looked).toContain("topK");
    expect(looked).toContain("plannedBackward");
  });

  it("refuses whatever is given in place of queries, points and options", () => {
    const k = kernels() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const methods = ["encode", "encodeBackward", "points", "pointsBackward", "plan", "candidates", "plannedCandidates"];
    methods.push(
      "plannedBackward",
      "rank",
      "topK",
      "allLoss",
      "products",
      "bce",
      "kl",
      "seniorStep",
      "adam",
      "adagrad",
    );
    for (const method of [...methods, "sampleCandidates"]) {
      for (const value of [undefined, null, 7, "x", {}, []]) {
        const call = (): unknown => k[method]!(...Array.from({ length: 9 }, () => value));
        expect(call, `${method} ${JSON.stringify(value)}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^KERNELS_BAD_/) as string }),
        );
      }
    }
  });

  it("refuses arrays that are one value too short, or empty", () => {
    const { engine, calls, guarded } = record();
    for (const { call, i, value, name } of all(calls, engine)) {
      if (!ArrayBuffer.isView(value)) continue;
      const array = value as Float32Array;
      const where = `${call.kernel}.${name}`;
      for (const length of roomy.test(name) ? [0] : [0, array.length - 1]) {
        const error = refused(engine, call, i, array.subarray(0, length));
        // A short table lacks a row that an id refers to.
        expect(error?.code, where).toMatch(/^KERNELS_BAD_(LENGTH|ID)$/);
        if (error?.code !== "KERNELS_BAD_LENGTH" || error.path.join(".") !== where) continue;
        expect(error.value, where).toBe(length);
      }
    }
    expect(guarded()).toBe(true);
  });

  it("refuses sizes that are not whole numbers, or too large for the arrays", () => {
    const { engine, calls, guarded } = record();
    for (const { call, i, value, name } of all(calls, engine)) {
      if (typeof value !== "number" || harmless.test(name)) continue;
      const where = `${call.kernel}.${name}`;
      for (const wrong of [NaN, Infinity, -Infinity, -1, value + 0.5, 2 ** 31, 1e300]) {
        if (free.test(name) && wrong === 2 ** 31) continue;
        const error = refused(engine, call, i, wrong);
        expect(error?.code, `${where} = ${wrong}`).toMatch(/^KERNELS_BAD_(SHAPE|LENGTH)$/);
      }
      if (free.test(name)) continue;
      for (const large of [value + 1, 2 ** 31 - 1]) {
        const error = refused(engine, call, i, large);
        // These may grow without reaching outside an array.
        if (error === undefined)
          expect(where).toMatch(/^(sampleCandidates\.entities|plan\.entities|pack\.dim|peak\.threads)$/);
      }
    }
    expect(guarded()).toBe(true);
  });

  it("refuses ids out of range at any position", () => {
    const { engine, calls, guarded } = record();
    const refusedIds = new Set<string>();
    for (const { call, i, value, name } of all(calls, engine)) {
      if (!(value instanceof Int32Array)) continue;
      const where = `${call.kernel}.${name}`;
      for (const at of [0, 1, value.length >> 1, value.length - 1]) {
        for (const wrong of [-2, -1, 9, 1000, 2 ** 31 - 1, -(2 ** 31)]) {
          const changed = value.slice();
          changed[at] = wrong;
          const error = refused(engine, call, i, changed);
          if (!error) continue;
          refusedIds.add(where);
          expect(error.code, where).toMatch(/^KERNELS_BAD_(ID|ORDER)$/);
          expect(error.path.slice(0, -1).join("."), where).toBe(where);
          expect(changed[error.path.at(-1) as number], where).toBe(error.value);
        }
      }
    }
    expect(guarded()).toBe(true);
    expect([...refusedIds].sort()).toEqual([
      "adagrad.ids",
      "adam.ids",
      "addRows.ids",
      "allLoss.labels.ids",
      "allLoss.labels.offsets",
      "candidates.ids",
      "encode.heads",
      "encode.relations",
      "encodeBackward.heads",
      "encodeBackward.relations",
      "plan.others",
      "plan.pairs",
      "plannedBackward.plan.entries",
      "plannedBackward.plan.offsets",
      "plannedCandidates.plan.entries",
      "plannedCandidates.plan.offsets",
      "points.rows",
      "pointsBackward.rows",
      "rank.filterIds",
      "rank.filterOffsets",
      "rank.targets",
      "seniorStep.targets",
    ]);
  });

  it("finds an id out of range in a list of any length, and gives its position", () => {
    const k = kernels();
    const { engine } = k;
    const [entities, others] = [1000, Int32Array.of(0)];
    for (const length of [1, 15, 16, 17, 255, 70_000, 300_001]) {
      const ids = engine.int32(length);
      const plan = newPlan(engine, length, 1);
      for (const at of [0, length >> 1, length - 1]) {
        ids[at] = entities;
        expect(() => k.plan(ids, others, entities, plan)).toThrow(
          expect.objectContaining({ code: "KERNELS_BAD_ID", path: ["plan", "pairs", at], value: entities }) as Error,
        );
        ids[at] = entities - 1;
      }
      expect(k.plan(ids, others, entities, plan)).toBe(2);
      freeAll(engine, plan);
      engine.free(ids);
    }
  });

  it("needs room for one row more than a plan has, unless all entities are in it", () => {
    const k = kernels();
    const { engine } = k;
    const int = (length: number) => engine.int32(length);
    const plan = (entities: number, rows: number, offsets: number) =>
      k.plan(ints(k, [0, 2]), ints(k, [1]), entities, {
        size: 0,
        rows: int(rows),
        offsets: int(offsets),
        entries: int(2),
        local: int(1),
      });
    expect(plan(3, 3, 4)).toBe(3);
    expect(plan(5, 4, 4)).toBe(3);
    for (const [entities, rows, offsets, name] of [
      [3, 2, 4, "rows"],
      [3, 3, 3, "offsets"],
      [5, 3, 4, "rows"],
      [5, 4, 3, "offsets"],
    ] as const) {
      expect(() => plan(entities, rows, offsets)).toThrow(
        expect.objectContaining({ code: "KERNELS_BAD_LENGTH", path: ["plan", "out", name] }) as Error,
      );
    }
  });

  it("suggests a kernel for an unknown name", () => {
    const { engine } = kernels();
    for (const name of ["ecnode", "", "constructor", "__proto__"]) {
      expect(() => {
        engine.call(name, []);
      }).toThrow(expect.objectContaining({ code: "KERNELS_UNKNOWN", value: name }) as Error);
    }
    expect(() => {
      engine.call("ecnode", []);
    }).toThrow('There is no kernel "ecnode". Did you mean "encode"?');
  });

  it("suggests a similarity for an unknown name", () => {
    const k = kernels();
    const points = pointTable(k.engine, 1, 1, false);
    const similarity = "hyperbolc" as "hyperbolic";
    expect(() => {
      k.points(similarity, points.norm, null, 1, null, points);
    }).toThrow(/^points\.similarity: "hyperbolc" is none of .* Did you mean "hyperbolic"\?$/);
  });
});
