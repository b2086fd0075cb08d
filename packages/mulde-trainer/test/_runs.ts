import { MuldeError } from "@mulde/errors";
import { expect } from "vitest";
import type { Run, TrainEvent } from "../src/index.js";
import { without } from "./_planted.js";

/** Listens to a run to its end, and returns its result. */
export async function finish<Event, Result>(
  run: Run<Event, Result>,
  onEvent: (event: Event) => void = () => undefined,
): Promise<Result> {
  for await (const event of run) onEvent(event);
  return run.result;
}

/** All events of a run. */
export async function eventsOf<Event>(run: Run<Event, unknown>): Promise<Event[]> {
  const events: Event[] = [];
  await finish(run, (event) => events.push(event));
  return events;
}

/** Events that do not depend on the clock or on where a run was interrupted. */
export function told(events: readonly TrainEvent[]): unknown[] {
  return events.filter(({ type }) => type === "epoch" || type === "validation" || type === "done").map(timeless);
}

/** An event without what the clock says. */
function timeless(event: TrainEvent): unknown {
  if (event.type !== "done") return without(event as TrainEvent & { seconds?: number }, "seconds");
  const { model, ...result } = without(event.result, "seconds");
  return { ...event, result: { ...result, tables: [...model.tables].map(([name, { data }]) => [name, [...data]]) } };
}

/** The MuldeError that a call throws. */
export function failure(call: () => unknown): MuldeError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    return error as MuldeError;
  }
  throw new Error("nothing was thrown");
}
