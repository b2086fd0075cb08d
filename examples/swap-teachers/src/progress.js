/** Tells on stderr how a run goes; returns its result. */
export async function show(name, run) {
  for await (const event of run) {
    if (event.type === "epoch") console.error(`${name}: epoch ${event.epoch + 1}, ${event.seconds.toFixed(1)} s`);
    if (event.type === "validation") console.error(`${name}: validation MRR ${event.metrics.mrr.toFixed(3)}`);
  }
  return run.result;
}
