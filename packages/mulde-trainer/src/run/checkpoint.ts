import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, MuldeError } from "@mulde/errors";
import { decodeSafetensors, encodeSafetensors, type Safetensors, writeWhole } from "@mulde/kge-models";
import { z } from "zod";
import { epochSumsSchema } from "./epoch-sums.js";

const metricsSchema = z.object({ mrr: z.number(), mr: z.number(), hits: z.record(z.string(), z.number()) });

const stateSchema = z.object({
  /** the run's identity: a checkpoint of another run is not resumed */
  run: z.string(),
  step: z.number(),
  seconds: z.number(),
  stale: z.number(),
  /** validations without a better MRR in the whole run; the plateau schedule counts them */
  drops: z.number(),
  /** whether the validation after this step is still to come */
  unvalidated: z.boolean().default(false),
  best: z.object({ epoch: z.number(), metrics: metricsSchema }).nullable(),
  /** the epoch under way */
  epoch: epochSumsSchema,
});

/** Where a run stands, beside its arrays. */
export type RunState = z.infer<typeof stateSchema>;

/** Writes state and arrays as one safetensors file, whole or not at all. */
export async function writeCheckpoint(
  path: string,
  state: RunState,
  arrays: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors = Object.fromEntries([...arrays].map(([name, data]) => [name, { shape: [data.length], data }]));
  const bytes = encodeSafetensors(tensors, { state: JSON.stringify(state) });
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(path, bytes);
  } catch (cause) {
    const { reason } = fileError("TRAINER_CHECKPOINT_WRITE", "written", path, cause);
    const advice = "The last checkpoint is intact; run again to go on.";
    throw new MuldeError("TRAINER_CHECKPOINT_WRITE", `${reason} ${advice}`, { file: path, cause });
  }
}

/**
 * Fills `arrays` from a checkpoint and returns its state, or undefined where there is none.
 *
 * @throws MuldeError TRAINER_CHECKPOINT if the file is malformed or belongs to a run with other options or data
 */
export async function readCheckpoint(
  path: string,
  run: string,
  arrays: ReadonlyMap<string, Float32Array>,
): Promise<RunState | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new MuldeError("TRAINER_CHECKPOINT", "the checkpoint cannot be read: choose another file.", {
      file: path,
      cause,
    });
  }
  const { tensors, state } = decode(bytes, path);
  if (state.run !== run) {
    throw new MuldeError(
      "TRAINER_CHECKPOINT",
      "the checkpoint belongs to a run with other options, data or teachers: delete it to start anew, or choose another directory.",
      { file: path },
    );
  }
  for (const [name, data] of arrays) {
    const tensor = tensors[name];
    if (tensor?.data.length !== data.length) {
      throw new MuldeError(
        "TRAINER_CHECKPOINT",
        `the checkpoint has no array "${name}" of length ${data.length}: delete it.`,
        {
          file: path,
        },
      );
    }
    data.set(tensor.data);
  }
  return state;
}

function decode(bytes: Uint8Array, path: string): { tensors: Safetensors["tensors"]; state: RunState } {
  try {
    const { tensors, metadata } = decodeSafetensors(bytes, path);
    return { tensors, state: stateSchema.parse(JSON.parse(metadata.state ?? "null")) };
  } catch (cause) {
    throw new MuldeError(
      "TRAINER_CHECKPOINT",
      "the file is damaged, or no checkpoint of Mulde: delete it to start anew, or choose another file.",
      { file: path, cause },
    );
  }
}
