import { finish } from "@mulde/mulde-trainer";

/** Tells on stderr how a training goes, from its events; returns its result. */
export function show(name, events) {
  return finish(events, (event) => {
    if (event.type === "epoch") console.error(`${name}: epoch ${event.epoch + 1}, ${event.seconds.toFixed(1)} s`);
    if (event.type === "validation") console.error(`${name}: validation MRR ${event.metrics.mrr.toFixed(3)}`);
  });
}
