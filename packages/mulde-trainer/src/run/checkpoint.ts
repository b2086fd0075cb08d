import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, hasCode, MuldeError } from "@mulde/errors";
import { openSafetensors, type SafetensorsFile, writeSafetensors } from "@mulde/kge-models";
import { z } from "zod";
import { epochSumsSchema } from "./epoch-sums.js";

/** Raised whenever a checkpoint has other contents. */
const formatVersion = 2;

const metricsSchema = z.object({ mrr: z.number(), mr: z.number(), hits: z.record(z.string(), z.number()) });

const stateSchema = z.object({
  /** the run's identity: a checkpoint of another run is not resumed */
  run: z.string(),
  step: z.number(),
  seconds: z.number(),
  stale: z.number(),
  /** validations without a better MRR in the whole run; the plateau schedule counts them */
  drops: z.number(),
  best: z.object({ epoch: z.number(), metrics: metricsSchema }).nullable(),
  /** the epoch under way */
  epoch: epochSumsSchema,
});

/** Where a run stands, beside its arrays. */
export type RunState = z.infer<typeof stateSchema>;

/**
 * Writes a checkpoint: a safetensors file with the run's arrays, written in pieces, whole or not at all. Its metadata: `format`, the
 * version of this layout; `state`, a `RunState` as JSON; `checksum`, the SHA-256 of the file in which its own digits are zeros.
 *
 * @throws MuldeError TRAINER_CHECKPOINT_WRITE if the disk refuses; an earlier checkpoint is then as it was
 */
export async function writeCheckpoint(
  path: string,
  state: RunState,
  arrays: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors = Object.fromEntries([...arrays].map(([name, data]) => [name, { shape: [data.length], data }]));
  const metadata = { format: String(formatVersion), state: JSON.stringify(state) };
  let place = dirname(path);
  try {
    await mkdir(place, { recursive: true });
    place = path;
    await writeSafetensors(path, tensors, metadata, { checksum: true });
  } catch (cause) {
    const before = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    const also = before ? "The last checkpoint is intact; run again to go on from there." : undefined;
    throw fileError("TRAINER_CHECKPOINT_WRITE", "written", place, cause, also);
  }
}

/**
 * Fills `arrays` from a checkpoint and returns its state, or undefined where there is none.
 *
 * The file is read twice: first to verify its checksum, then into the arrays. So the arrays of a run only ever get values that
 * were verified; the system still has the bytes of the first pass in memory.
 *
 * @throws MuldeError TRAINER_CHECKPOINT, whose reason says what is wrong: the file cannot be read, is cut off, damaged, of a newer or older
 *   version, of a run with other options or data, or no checkpoint. The arrays are then as they were.
 */
export async function readCheckpoint(
  path: string,
  run: string,
  arrays: ReadonlyMap<string, Float32Array>,
): Promise<RunState | undefined> {
  const file = await open(path);
  if (!file) return undefined;
  try {
    checkFormat(file.metadata, path);
    if (!(await file.verify())) {
      throw refusal(path, "the checkpoint is damaged: its checksum differs from its content; delete it to start anew.");
    }
    const state = stateOf(file.metadata, path);
    if (state.run !== run) {
      throw refusal(
        path,
        "the checkpoint belongs to a run with other options, data or teachers: delete it to start anew, or choose another directory.",
      );
    }
    checkArrays(file, arrays, path);
    for (const [name, data] of arrays) await file.read(name, data);
    return state;
  } catch (error) {
    if (!hasCode(error, "SAFETENSORS_READ")) throw error;
    throw fileError("TRAINER_CHECKPOINT", "read", path, error);
  } finally {
    await file.close();
  }
}

async function open(path: string): Promise<SafetensorsFile | undefined> {
  try {
    return await openSafetensors(path);
  } catch (error) {
    if (!(error instanceof MuldeError)) throw error;
    if (hasCode(error, "SAFETENSORS_READ")) {
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
      throw fileError("TRAINER_CHECKPOINT", "read", path, error);
    }
    const what = hasCode(error, "SAFETENSORS_TRUNCATED")
      ? "the checkpoint is cut off"
      : hasCode(error, "SAFETENSORS_HEADER")
        ? "the file is no checkpoint of Mulde, or a damaged one"
        : "the checkpoint is damaged";
    throw refusal(path, `${what}: delete it to start anew, or choose another file.`, error);
  }
}

/** Refuses files that are no checkpoints, and those of other versions. */
function checkFormat({ format, state }: SafetensorsFile["metadata"], path: string): void {
  if (state === undefined) {
    throw refusal(
      path,
      "the file is a safetensors file, but no checkpoint of Mulde; choose another file, or delete it to start anew.",
    );
  }
  if (format === String(formatVersion)) return;
  // The first version had no number.
  const version = format === undefined ? 1 : /^\d{1,9}$/.test(format) ? Number(format) : Infinity;
  throw refusal(
    path,
    version > formatVersion
      ? `a newer version of Mulde wrote the checkpoint (format ${shown(format)}; this version reads ${formatVersion}): update Mulde, or delete it to start anew.`
      : `an older version of Mulde wrote the checkpoint (format ${version}; this version reads ${formatVersion}): delete it to start anew.`,
  );
}

function shown(format: string | undefined): string {
  return JSON.stringify(format?.slice(0, 20));
}

function stateOf({ state }: SafetensorsFile["metadata"], path: string): RunState {
  try {
    return stateSchema.parse(JSON.parse(state!));
  } catch (cause) {
    throw refusal(path, "the state in the checkpoint is malformed: delete it to start anew.", cause);
  }
}

/** Refuses a checkpoint whose arrays are not the run's, before the first of them is read. */
function checkArrays({ tensors }: SafetensorsFile, arrays: ReadonlyMap<string, Float32Array>, path: string): void {
  for (const [name, { length }] of arrays) {
    const tensor = tensors.get(name);
    if (tensor?.dtype === "F32" && tensor.shape.length === 1 && tensor.shape[0] === length) continue;
    throw refusal(path, `the checkpoint has no array "${name}" of length ${length}: delete it to start anew.`);
  }
  if (tensors.size === arrays.size) return;
  const odd = [...tensors.keys()].find((name) => !arrays.has(name));
  throw refusal(
    path,
    `the checkpoint holds an array ${JSON.stringify(odd)}, which the run lacks: delete it to start anew.`,
  );
}

function refusal(path: string, reason: string, cause?: unknown): MuldeError {
  return new MuldeError("TRAINER_CHECKPOINT", reason, { file: path, cause });
}
