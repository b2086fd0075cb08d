import { describe, expect, it } from "vitest";
import { collectScores } from "../src/index.js";
import { onnxTeacher } from "../src/onnx.js";

/** A runtime that stands in for onnxruntime-node, which is too large to be a dependency (see onnx-runtime.test.ts): h + 10 r + 100 t. */
class Tensor {
  constructor(
    readonly type: string,
    readonly data: BigInt64Array | Int32Array,
    readonly dims: readonly number[],
  ) {}
}
const session = (inputNames: readonly string[], outputNames: readonly string[], output?: (K: number) => unknown) => ({
  inputNames,
  outputNames,
  run(feeds: Record<string, unknown>) {
    const [h, r, t] = inputNames.map((name) => feeds[name] as Tensor) as [Tensor, Tensor, Tensor];
    expect([h.type, h.dims, r.dims, t.dims]).toEqual([r.type, [2], [2], [2, 3]]);
    // As the runtimes demand it.
    for (const { type, data } of [h, r, t]) expect(data).toBeInstanceOf(type === "int64" ? BigInt64Array : Int32Array);
    const data = Float32Array.from(Array.from(t.data as ArrayLike<bigint | number>, Number), (tail, i) => {
      const b = Math.floor(i / 3);
      return Number(h.data[b]) + 10 * Number(r.data[b]) + 100 * tail;
    });
    return Promise.resolve({ [outputNames[0]!]: { data: output ? output(3) : data } });
  },
});
const names = ["heads", "relations", "candidates"];

async function scores(teacher: Awaited<ReturnType<typeof onnxTeacher>>): Promise<number[]> {
  const out = new Float32Array(6);
  await collectScores([teacher], Int32Array.of(1, 2), Int32Array.of(3, 4), Int32Array.of(5, 6, 7, 8, 9, 0), out);
  return [...out];
}
const expected = [531, 631, 731, 842, 942, 42];

describe("an ONNX model as a teacher", () => {
  it.each(["int64", "int32"] as const)("is asked with %s tensors of B, B and B x K", async (ids) => {
    const teacher = await onnxTeacher("onnx", { session: session(names, ["scores"]), Tensor }, { ids });
    expect(await scores(teacher)).toEqual(expected);
  });

  it("may have its inputs in another order", async () => {
    const odd = session(["t", "h", "r"], ["other"]);
    const run = (feeds: Record<string, unknown>) =>
      session(names, ["y"]).run({ heads: feeds.h, relations: feeds.r, candidates: feeds.t });
    const teacher = await onnxTeacher(
      "onnx",
      { session: { ...odd, run }, Tensor },
      { inputs: ["h", "r", "t"], output: "y" },
    );
    expect(await scores(teacher)).toEqual(expected);
  });

  it("is refused without enough inputs, and named if its output is not B x K float32", async () => {
    for (const [inputs, outputs] of [
      [["x"], ["y"]],
      [
        ["x", "y"],
        ["z", "w"],
      ],
      [names, []],
    ] as const) {
      await expect(onnxTeacher("few", { session: session(inputs, outputs), Tensor })).rejects.toMatchObject({
        code: "SENIOR_ONNX",
        message: expect.stringContaining(
          `teacher "few" has the inputs ${inputs.join(", ")} and the outputs ${outputs.join(", ")}; it needs three`,
        ) as string,
      });
    }
    for (const [output, what] of [
      [() => new Float32Array(5), "5 values"],
      [() => [1], "no float32 values"],
    ] as const) {
      const teacher = await onnxTeacher("wrong", { session: session(names, ["scores"], output), Tensor });
      await expect(scores(teacher)).rejects.toMatchObject({
        message: expect.stringContaining(
          `Teacher "wrong" failed to score a batch: its output "scores" holds ${what}`,
        ) as string,
        cause: expect.objectContaining({ code: "SENIOR_ONNX" }) as Error,
      });
    }
  });

  it("is named if it does not give the output that was asked for", async () => {
    const teacher = await onnxTeacher("other", { session: session(names, ["scores"]), Tensor }, { output: "logits" });
    await expect(scores(teacher)).rejects.toThrow('its output "logits" holds no float32 values');
  });

  it("says what to install if the runtime is missing", async () => {
    await expect(onnxTeacher("x", "model.onnx")).rejects.toMatchObject({
      code: "SENIOR_ONNX",
      file: "model.onnx",
      message: expect.stringMatching(/^model\.onnx: an ONNX model needs onnxruntime-node: npm install/) as string,
      cause: expect.any(Error) as Error,
    });
  });
});
