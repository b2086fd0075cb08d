import { MuldeError } from "@mulde/errors";
import type { Teacher } from "./teacher.js";

/** What is used of a session of `onnxruntime-node`, or of `onnxruntime-web`. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: unknown }>>;
}

/** Makes a tensor, as `ort.Tensor` does. */
export type OnnxTensor = new (
  type: "int64" | "int32",
  data: BigInt64Array | Int32Array,
  dims: readonly number[],
) => unknown;

export interface OnnxOptions {
  /** Names of the inputs: heads (B), relations (B), candidates (B x K); the session's first three unless given. */
  readonly inputs?: readonly [heads: string, relations: string, candidates: string];
  /** Name of the output, float32 of B x K; the session's first unless given. */
  readonly output?: string;
  /** Element type of the inputs; int64, PyTorch's, unless given. */
  readonly ids?: "int64" | "int32";
}

/** In a variable, so that bundlers do not insist on an optional peer. */
const RUNTIME = "onnxruntime-node";

/**
 * An ONNX model as a teacher: three inputs of ids, one output of scores. Needs the optional peer `onnxruntime-node` for a path; a session
 * that was made before needs the `Tensor` class of its runtime beside it.
 *
 * @param model - Path of an .onnx file, or a session with the class of its tensors
 * @throws MuldeError SENIOR_ONNX where the runtime is missing, the model cannot be loaded, or it has too few inputs or outputs
 */
export async function onnxTeacher(
  name: string,
  model: string | { readonly session: OnnxSession; readonly Tensor: OnnxTensor },
  options: OnnxOptions = {},
): Promise<Teacher> {
  const { session, Tensor } = typeof model === "string" ? await load(model) : model;
  const [heads, relations, candidates] = options.inputs ?? session.inputNames;
  const output = options.output ?? session.outputNames[0];
  const wanted = [heads, relations, candidates];
  if (output === undefined || wanted.includes(undefined)) {
    throw new MuldeError(
      "SENIOR_ONNX",
      `The model of teacher "${name}" has the inputs ${session.inputNames.join(", ")} and the outputs ${session.outputNames.join(", ")}; it needs heads, relations, candidates, and scores.`,
    );
  }
  const type = options.ids ?? "int64";
  const tensor = (ids: Int32Array, dims: readonly number[]): unknown =>
    new Tensor(type, type === "int64" ? BigInt64Array.from(ids, BigInt) : ids, dims);
  return {
    name,
    async score(headIds, relationIds, candidateIds, out) {
      const B = headIds.length;
      const K = candidateIds.length / B;
      const result = await session.run({
        [heads!]: tensor(headIds, [B]),
        [relations!]: tensor(relationIds, [B]),
        [candidates!]: tensor(candidateIds, [B, K]),
      });
      const scores = result[output]?.data;
      if (!(scores instanceof Float32Array && scores.length === out.length)) {
        const what = scores instanceof Float32Array ? `${String(scores.length)} values` : "no float32 values";
        throw new MuldeError("SENIOR_ONNX", `its output "${output}" holds ${what}, not B x K = ${String(out.length)}.`);
      }
      out.set(scores);
    },
  };
}

interface Runtime {
  readonly InferenceSession: { create(path: string): Promise<OnnxSession> };
  readonly Tensor: OnnxTensor;
}

async function load(path: string): Promise<{ session: OnnxSession; Tensor: OnnxTensor }> {
  let runtime: Runtime;
  try {
    runtime = (await import(/* @vite-ignore */ /* webpackIgnore: true */ RUNTIME)) as Runtime;
  } catch (cause) {
    throw new MuldeError("SENIOR_ONNX", `${RUNTIME} is needed for ${path}: npm install ${RUNTIME}@1.30`, { cause });
  }
  try {
    return { session: await runtime.InferenceSession.create(path), Tensor: runtime.Tensor };
  } catch (cause) {
    throw new MuldeError("SENIOR_ONNX", `${path} cannot be loaded: ${(cause as Error).message}`, { cause });
  }
}
