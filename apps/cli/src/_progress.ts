import type { ExperimentEvent } from "@mulde/mulde-trainer";
import { Bars } from "./_bars.js";
import type { Output } from "./_output.js";
import { duration } from "./_table.js";

/** Shows the events of training to people. */
export interface Progress {
  show(event: ExperimentEvent): void;
  /** Gives the terminal back; call it whatever happens. */
  stop(): void;
}

/** Live bars on a terminal, else a line for each validation; both on stderr. */
export function createProgress(output: Output, stages: readonly string[]): Progress {
  return process.stderr.isTTY && !output.json ? new Bars(stages) : new Lines(output);
}

/** One line for each thing that matters, for logs and pipes. Epochs count from 1 here and from 0 in events. */
class Lines implements Progress {
  readonly #epochs = new Map<string, number>();
  readonly #losses = new Map<string, number>();

  constructor(readonly output: Output) {}

  show(event: ExperimentEvent): void {
    const line = this.#line(event);
    if (line !== undefined) this.output.log(`${event.name}: ${line}`);
  }

  stop(): void {
    // Lines leave nothing behind.
  }

  #line(event: ExperimentEvent): string | undefined {
    switch (event.type) {
      case "start": {
        const { model, dim, epochs, steps, resumedAt } = event;
        this.#epochs.set(event.name, epochs);
        const resumed = resumedAt > 0 ? `, resumed at step ${resumedAt}` : "";
        const kind = model === event.name ? "" : `${model}, `;
        return `${kind}${dim} dimensions, ${epochs} epochs of ${steps / epochs} steps${resumed}`;
      }
      case "epoch":
        this.#losses.set(event.name, event.loss.total);
        return undefined;
      case "validation": {
        const { epoch, metrics, best, loss } = event;
        const training = this.#losses.get(event.name);
        return (
          `epoch ${epoch + 1}/${this.#epochs.get(event.name) ?? "?"}, loss ${training?.toPrecision(4) ?? "-"}, ` +
          `validation ${loss.toPrecision(4)}, MRR ${metrics.mrr.toFixed(4)}${best ? " (best)" : ""}`
        );
      }
      case "checkpoint":
        return `checkpoint at step ${event.step} in ${event.path}`;
      case "warning":
        return `warning: ${event.message}`;
      case "done": {
        const { best, epochs, seconds } = event.result;
        return (
          `done after ${epochs} epochs in ${duration(seconds)}, ` +
          `best validation MRR ${best.metrics.mrr.toFixed(4)} in epoch ${best.epoch + 1}`
        );
      }
      case "row":
        return `saved, test MRR ${event.row.mrr.toFixed(4)}`;
      case "skipped":
        return `there already, test MRR ${event.row.mrr.toFixed(4)}`;
      default:
        return undefined;
    }
  }
}
