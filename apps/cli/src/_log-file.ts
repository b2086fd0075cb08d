import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { PipelineEvent } from "@mulde/mulde-trainer";

/**
 * A consumer that appends events to a file, one JSON object a line with the time; nothing without a file. The ten "progress"
 * events a second are left out, and of a result the model, which has its own files.
 */
export function eventLog(path: string | undefined): (event: PipelineEvent) => void {
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

function summary({ best, epochs, steps, seconds }: Extract<PipelineEvent, { type: "done" }>["result"]): object {
  return { best, epochs, steps, seconds };
}
