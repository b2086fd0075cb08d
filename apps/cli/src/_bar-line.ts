import { paint } from "./_paint.js";
import { shown } from "./_printable.js";
import { duration, metric } from "./_table.js";
import { lengthOf, shortened } from "./_text.js";

/** What a model's bar shows. */
export interface BarState {
  readonly name: string;
  readonly state: "waiting" | "running" | "testing" | "done";
  /** from 0 */
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number | undefined;
  readonly mrr: number | undefined;
  /** the fraction that is done */
  readonly progress: number;
  /** seconds that the rest will take */
  readonly left: number | undefined;
  readonly note: string;
}

// Longer names are cut, so that what follows has its place in 80 columns.
const nameWidth = 18;

/** One model's bar in at most `width` columns: what does not fit is left out, the loss first. */
export function barLine(bar: BarState, names: readonly string[], width: number): string {
  const colours = paint(process.stderr);
  const { state, epoch, epochs, loss, mrr, left, note } = bar;
  const column = Math.min(nameWidth, Math.max(...names.map((one) => lengthOf(shown(one)))));
  const name = shortened(shown(bar.name), column, "middle").padEnd(column);
  if (state === "waiting") return colours.dim(`${name}  waiting`);
  const cells = width >= 110 ? 30 : 12;
  const full = Math.round(Math.min(1, bar.progress) * cells);
  const drawn = `${name}  ${"█".repeat(full)}${colours.dim("░".repeat(cells - full))}`;
  if (state !== "running") {
    const split = state === "testing" ? "valid" : "test";
    return `${drawn}  ${split} MRR ${colours.bold(metric(mrr ?? Number.NaN))}  ${colours.dim(note)}`;
  }
  const parts = [drawn];
  let free = width - column - 2 - cells;
  const add = (text: string | undefined, style: (text: string) => string = (plain) => plain): void => {
    if (text === undefined || lengthOf(text) + 2 > free) return;
    free -= lengthOf(text) + 2;
    parts.push(style(text));
  };
  add(`epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}`);
  add(mrr === undefined ? undefined : `MRR ${metric(mrr)}`);
  add(left === undefined ? undefined : `${duration(left)} left`, colours.dim);
  add(loss === undefined ? undefined : `loss ${loss.toPrecision(3)}`);
  return parts.join("  ");
}
