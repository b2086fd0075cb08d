// The way from a path to a session, with a runtime that stands in for onnxruntime-node; onnx-runtime.test.ts takes the real one.
import { expect, it, vi } from "vitest";
import { onnxTeacher } from "../src/onnx.js";

const seen: unknown[] = [];
vi.mock("onnxruntime-node", () => ({
  InferenceSession: {
    create(path: string) {
      if (path === "broken.onnx") return Promise.reject(new Error("no graph"));
      return Promise.resolve({
        inputNames: ["h", "r", "t"],
        outputNames: ["y"],
        run(feeds: Record<string, unknown>) {
          seen.push(path, feeds);
          return Promise.resolve({ y: { data: Float32Array.of(1, 2) } });
        },
      });
    },
  },
  Tensor: class {
    constructor(
      readonly type: string,
      readonly data: unknown,
      readonly dims: readonly number[],
    ) {}
  },
}));

it("a path is loaded by onnxruntime-node, whose session and tensors the teacher takes", async () => {
  const teacher = await onnxTeacher("model", "model.onnx");
  const out = new Float32Array(2);
  await teacher.score(Int32Array.of(3), Int32Array.of(1), Int32Array.of(4, 5), out);
  expect([...out]).toEqual([1, 2]);
  expect(seen).toEqual([
    "model.onnx",
    {
      h: expect.objectContaining({ type: "int64", data: BigInt64Array.of(3n), dims: [1] }) as object,
      r: expect.objectContaining({ type: "int64", data: BigInt64Array.of(1n), dims: [1] }) as object,
      t: expect.objectContaining({ type: "int64", data: BigInt64Array.of(4n, 5n), dims: [1, 2] }) as object,
    },
  ]);
});

it("a model that the runtime cannot load is named with the runtime's reason", async () => {
  await expect(onnxTeacher("model", "broken.onnx")).rejects.toMatchObject({
    code: "SENIOR_ONNX",
    file: "broken.onnx",
    message: "broken.onnx: the runtime cannot load this model: no graph",
    cause: expect.objectContaining({ message: "no graph" }) as Error,
  });
});
