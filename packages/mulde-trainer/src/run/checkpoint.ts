import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { decodeSafetensors, encodeSafetensors, type Safetensors, writeWhole } from "@mulde/kge-models";
import { z } from "zod";
import { MuldeError } from "@mulde/errors";

const metricsSchema = z.object({ mrr: z.number(), mr: z.number(), hits: z.record(z.string(), z.number()) });

const stateSchema = z.object({
  /** of the options and the data: a checkpoint of another run is not resumed */
  run: z.string(),
  step: z.number(),
  seconds: z.number(),
  stale: z.number(),
  /** validations without a better MRR in the whole run, which the plateau schedule counts */
  drops: z.number().default(0),
  best: z.object({ epoch: z.number(), metrics: metricsSchema }).nullable(),
  /** sums over the batches of the epoch under way */
  sums: z.object({ total: z.number(), hard: z.number(), soft: z.number(), senior: z.number(), teachers: z.number() }),
  /** sums of the attention weights by teacher, likewise */
  attention: z.array(z.number()).default([]),
});

/** Where a run stands, beside its arrays. */
export type RunState = z.infer<typeof stateSchema>;

/** A fingerprint of what a run's result depends on. */
export function runFingerprint(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Writes state and arrays as one safetensors file, whole or not at all. */
export async function writeCheckpoint(
  path: string,
  state: RunState,
  arrays: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors = Object.fromEntries([...arrays].map(([name, data]) => [name, { shape: [data.length], data }]));
  const bytes = encodeSafetensors(tensors, { state: JSON.stringify(state) });
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, bytes);
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
    throw new MuldeError("TRAINER_CHECKPOINT", `${path} cannot be read: choose another file.`, { cause });
  }
  const { tensors, state } = decode(bytes, path);
  if (state.run !== run) {
    throw new MuldeError(
      "TRAINER_CHECKPOINT",
      `${path} belongs to a run with other options, data or teachers: delete it to start anew, or choose another directory.`,
    );
  }
  for (const [name, data] of arrays) {
    const tensor = tensors[name];
    if (tensor?.data.length !== data.length) {
      throw new MuldeError("TRAINER_CHECKPOINT", `${path} has no array "${name}" of length ${data.length}: delete it.`);
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
      `${path} is damaged, or no checkpoint of Mulde: delete it to start anew, or choose another file.`,
      { cause },
    );
  }
}
