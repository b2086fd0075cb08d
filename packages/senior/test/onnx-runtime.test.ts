import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { collectScores, type Teacher } from "../src/index.js";
import { onnxTeacher } from "../src/onnx.js";
import { onnxModel } from "./_onnx.js";

// The runtime takes 290 MB, so it is not a dependency. MULDE_ONNXRUNTIME names a folder that has it; .ci/run installs one.
const folder = process.env.MULDE_ONNXRUNTIME;

describe.skipIf(!folder)("an ONNX model on the real onnxruntime-node", () => {
  let directory: string;
  let file: string;
  let runtime: {
    InferenceSession: { create(path: string): Promise<never> };
    Tensor: never;
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "mulde-onnx-"));
    file = join(directory, "model.onnx");
    writeFileSync(file, onnxModel());
    runtime = createRequire(resolve(folder!, "index.js"))("onnxruntime-node") as typeof runtime;
    // What import("onnxruntime-node") finds if the runtime is installed beside this package.
    vi.doMock("onnxruntime-node", () => runtime);
  });
  afterAll(() => {
    vi.doUnmock("onnxruntime-node");
    rmSync(directory, { recursive: true });
  });

  async function scores(teacher: Teacher): Promise<number[]> {
    const out = new Float32Array(6);
    await collectScores([teacher], Int32Array.of(1, 2), Int32Array.of(3, 4), Int32Array.of(5, 6, 7, 8, 9, 0), out);
    return [...out];
  }
  const expected = [531, 631, 731, 842, 942, 42];

  it("scores from a file, with its inputs in their order or by name", async () => {
    expect(await scores(await onnxTeacher("onnx", file))).toEqual(expected);
    const inputs = ["heads", "relations", "candidates"] as const;
    expect(await scores(await onnxTeacher("onnx", file, { inputs, output: "scores" }))).toEqual(expected);
  });

  it("scores with your own session, in batches of any size", async () => {
    const session = await runtime.InferenceSession.create(file);
    const teacher = await onnxTeacher("onnx", { session, Tensor: runtime.Tensor });
    expect(await scores(teacher)).toEqual(expected);
    const out = new Float32Array(1);
    await collectScores([teacher], Int32Array.of(7), Int32Array.of(0), Int32Array.of(3), out);
    expect([...out]).toEqual([307]);
  });

  it("is named if its inputs have another type than the options say", async () => {
    const teacher = await onnxTeacher("narrow", file, { ids: "int32" });
    await expect(scores(teacher)).rejects.toThrow(/Teacher "narrow" failed to score a batch: .*int64/s);
  });

  it("is named if it is not an ONNX file or does not exist", async () => {
    const broken = join(directory, "broken.onnx");
    writeFileSync(broken, "no protobuf");
    await expect(onnxTeacher("x", broken)).rejects.toMatchObject({
      code: "SENIOR_ONNX",
      message: expect.stringContaining(`${broken}: the runtime cannot load this model: `) as string,
    });
    await expect(onnxTeacher("x", join(directory, "nothing.onnx"))).rejects.toThrow(
      /nothing\.onnx: the runtime cannot load/,
    );
  });
});
