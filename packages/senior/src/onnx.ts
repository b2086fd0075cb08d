import { MuldeError } from "@mulde/errors";
import { checkName, type Teacher } from "./teacher.js";

/** The part of an ONNX Runtime session that a teacher needs. `onnxruntime-node` and `onnxruntime-web` both have it. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: unknown }>>;
}

/** The tensor class of the session's runtime, `ort.Tensor`. */
export type OnnxTensor = new (
  type: "int64" | "int32",
  data: BigInt64Array | Int32Array,
  dims: readonly number[],
) => unknown;

export interface OnnxOptions {
  /** Names of the inputs: heads (B), relations (B), candidates (B x K). Default: the session's first three. */
  readonly inputs?: readonly [heads: string, relations: string, candidates: string];
  /** Name of the output, B x K float32. Default: the session's first. */
  readonly output?: string;
  /** Element type of the inputs. Default int64, which PyTorch exports. */
  readonly ids?: "int64" | "int32";
}

/** In a variable, so that bundlers do not require the optional peer. */
const RUNTIME = "onnxruntime-node";

/**
 * An ONNX model as a teacher: three inputs of ids, one output of scores. Relation ids are 0..2R-1; r >= R asks the reverse question of r - R.
 *
 * @param model - Path of an .onnx file, which needs the optional peer `onnxruntime-node`; or your own session with its runtime's `Tensor`
 * @returns A teacher whose `score` throws SENIOR_ONNX unless the output holds B x K float32 values
 * @throws MuldeError SENIOR_ONNX if the runtime is missing, the model cannot be loaded, or it lacks inputs or outputs; SENIOR_TEACHER for an
 *   empty name
 */
export async function onnxTeacher(
  name: string,
  model: string | { readonly session: OnnxSession; readonly Tensor: OnnxTensor },
  options: OnnxOptions = {},
): Promise<Teacher> {
  checkName(name);
  const { session, Tensor } = typeof model === "string" ? await load(model) : model;
  const [heads, relations, candidates] = options.inputs ?? session.inputNames;
  const output = options.output ?? session.outputNames[0];
  const wanted = [heads, relations, candidates];
  if (output === undefined || wanted.includes(undefined)) {
    throw new MuldeError(
      "SENIOR_ONNX",
      `The model of teacher "${name}" has the inputs ${session.inputNames.join(", ")} and the outputs ${session.outputNames.join(", ")}; it needs three inputs (heads, relations, candidates) and one output (scores).`,
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
        throw new MuldeError(
          "SENIOR_ONNX",
          `its output "${output}" holds ${what}; it must hold B x K = ${String(out.length)} float32 values.`,
        );
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
    throw new MuldeError("SENIOR_ONNX", `an ONNX model needs ${RUNTIME}: npm install ${RUNTIME}`, {
      file: path,
      cause,
    });
  }
  try {
    return { session: await runtime.InferenceSession.create(path), Tensor: runtime.Tensor };
  } catch (cause) {
    throw new MuldeError("SENIOR_ONNX", `the runtime cannot load this model: ${(cause as Error).message}`, {
      file: path,
      cause,
    });
  }
}
