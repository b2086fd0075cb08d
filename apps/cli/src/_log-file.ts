import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { fileError } from "@mulde/errors";
import { makeDirectories } from "@mulde/kge-models";
import type { ExperimentEvent, TrainResult } from "@mulde/mulde-trainer";
import type { Output } from "./_output.js";

/** A consumer of events that appends them to a file. */
export interface EventLog {
  readonly append: (event: ExperimentEvent) => void;
  readonly close: () => void;
}

/**
 * Appends events to a file, one JSON object a line with the time; does nothing without a file. It leaves out the ten "progress" events a
 * second, and the model of a result, which has its own files. If the file cannot be written any more, the run matters more than its log:
 * there is one warning, and no more lines.
 *
 * @throws MuldeError CLI_LOG if the file cannot be opened
 */
export function eventLog(path: string | undefined, output: Output): EventLog {
  if (path === undefined) return { append: () => undefined, close: () => undefined };
  const failed = (cause: unknown) => fileError("CLI_LOG", "written", path, cause);
  let file: number | undefined = open(path, failed);
  return {
    append(event) {
      if (file === undefined || event.type === "progress") return;
      const line = {
        time: new Date().toISOString(),
        ...event,
        ...(event.type === "done" && { result: summary(event.result) }),
        ...(event.type === "diverged" && { best: event.best && summary(event.best) }),
      };
      try {
        appendWhole(file, `${JSON.stringify(line)}\n`);
      } catch (error) {
        output.log(`Warning: ${failed(error).message} The run goes on without its log.`);
        this.close();
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function open(path: string, failed: (cause: unknown) => Error): number {
  try {
    makeDirectories(dirname(path));
    return openSync(path, "a");
  } catch (cause) {
    throw failed(cause);
  }
}

/** Appends a line or nothing: on a full disk, a part of it may be written before the failure. */
function appendWhole(file: number, line: string): void {
  const stats = fstatSync(file);
  try {
    const bytes = Buffer.from(line);
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
  } catch (error) {
    if (stats.isFile()) ftruncateSync(file, stats.size);
    throw error;
  }
}

function summary({ best, epochs, steps, seconds }: TrainResult): object {
  return { best, epochs, steps, seconds };
}
