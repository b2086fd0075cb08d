import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { ExperimentEvent, TrainResult } from "@mulde/mulde-trainer";

/**
 * A consumer that appends events to a file, one JSON object a line with the time; nothing without a file. It leaves out the ten "progress"
 * events a second, and the model of a result, which has its own files.
 */
export function eventLog(path: string | undefined): (event: ExperimentEvent) => void {
  if (path === undefined) return () => undefined;
  mkdirSync(dirname(path), { recursive: true });
  return (event) => {
    if (event.type === "progress") return;
    const line = {
      time: new Date().toISOString(),
      ...event,
      ...(event.type === "done" && { result: summary(event.result) }),
    };
    appendFileSync(path, `${JSON.stringify(line)}\n`);
  };
}

function summary({ best, epochs, steps, seconds }: TrainResult): object {
  return { best, epochs, steps, seconds };
}
