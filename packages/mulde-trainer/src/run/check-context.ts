import { MuldeError } from "@mulde/errors";

/**
 * Checks what a run gets beside its options, since callers without a compiler pass anything.
 *
 * @throws MuldeError TRAINER_DATA for data that are none, TRAINER_OPTION for another field; both with the path
 */
export function checkContext(context: unknown): void {
  const { data, checkpoint, checkpointMinutes, signal, kernels } = record(context);
  checkData(data);
  refuseUnless(
    checkpoint === undefined || (typeof checkpoint === "string" && checkpoint !== ""),
    "checkpoint",
    "must be the path of a file",
  );
  refuseUnless(
    checkpointMinutes === undefined || (typeof checkpointMinutes === "number" && checkpointMinutes >= 0),
    "checkpointMinutes",
    "must be a number of at least 0",
  );
  refuseUnless(
    signal === undefined || typeof record(signal).throwIfAborted === "function",
    "signal",
    "must be an AbortSignal",
  );
  refuseUnless(
    kernels === undefined || typeof record(record(kernels).engine).call === "function",
    "kernels",
    "must be kernels, of createKernels",
  );
}

function refuseUnless(good: boolean, field: string, rule: string): void {
  if (!good) throw new MuldeError("TRAINER_OPTION", `${rule}.`, { path: [field] });
}

/** @throws MuldeError TRAINER_DATA */
export function checkData(data: unknown): void {
  const refuse = (path: readonly string[], rule: string): MuldeError =>
    new MuldeError("TRAINER_DATA", `${rule}; give a data set, such as one of loadDataset.`, {
      path: ["data", ...path],
    });
  if (typeof data !== "object" || data === null) throw refuse([], "is missing or no object");
  for (const kind of ["entities", "relations"]) {
    const { size } = record(record(data)[kind]);
    if (!(Number.isInteger(size) && (size as number) > 0)) throw refuse([kind], "must have a size of at least 1");
  }
  for (const split of ["train", "valid", "test"]) {
    if (typeof record(record(data)[split]).length !== "number") throw refuse([split], "must be a list of triples");
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
