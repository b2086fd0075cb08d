import type { PipelineEvent } from "@mulde/mulde-trainer";
import cliProgress from "cli-progress";
import { type Output, paint } from "./_output.js";
import { duration, metric } from "./_table.js";

/** Shows the events of training to people. */
export interface Progress {
  show(event: PipelineEvent): void;
  /** Gives the terminal back; to be called whatever happens. */
  stop(): void;
}

/** Live bars on a terminal, else a line for each validation; both on stderr. */
export function createProgress(output: Output, stages: readonly string[]): Progress {
  return process.stderr.isTTY === true && !output.json ? new Bars(stages) : new Lines(output);
}

/** One line for each thing that matters, for logs and pipes. */
class Lines implements Progress {
  readonly #epochs = new Map<string, number>();
  readonly #losses = new Map<string, number>();

  constructor(readonly output: Output) {}

  show(event: PipelineEvent): void {
    const line = this.#line(event);
    if (line !== undefined) this.output.log(`${event.name}: ${line}`);
  }

  stop(): void {
    // Lines leave nothing behind.
  }

  #line(event: PipelineEvent): string | undefined {
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
          `epoch ${epoch + 1}/${this.#epochs.get(event.name)}, loss ${training === undefined ? "-" : training.toPrecision(4)}, ` +
          `validation loss ${loss.toPrecision(4)}, MRR ${metrics.mrr.toFixed(4)}${best ? " (best)" : ""}`
        );
      }
      case "checkpoint":
        return `checkpoint at step ${event.step} in ${event.path}`;
      case "done": {
        const { best, epochs, seconds } = event.result;
        return `done after ${epochs} epochs in ${duration(seconds)}, best validation MRR ${best.metrics.mrr.toFixed(4)} in epoch ${best.epoch + 1}`;
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

/** What a stage's bar shows beside its bar. */
interface Stage {
  state: "waiting" | "running" | "testing" | "done";
  epoch: number;
  epochs: number;
  loss: number | undefined;
  mrr: number | undefined;
  /** of this process, since resuming would spoil the time left */
  startedAt: number;
  startStep: number;
  note: string;
}

/** Several bars at a time, one for each stage. */
class Bars implements Progress {
  readonly #multi: cliProgress.MultiBar;
  readonly #bars = new Map<string, { readonly bar: cliProgress.SingleBar; readonly stage: Stage }>();

  constructor(stages: readonly string[]) {
    const width = Math.max(...stages.map((name) => name.length));
    this.#multi = new cliProgress.MultiBar(
      {
        format: (_options, params, stage: Stage & { name: string }) => line(width, params, stage),
        stream: process.stderr,
        hideCursor: true,
        fps: 10,
        // The program listens to Ctrl-C itself and stops the bars.
        gracefulExit: false,
        emptyOnZero: true,
      },
      cliProgress.Presets.rect,
    );
    for (const name of stages) {
      const stage: Stage = {
        state: "waiting",
        epoch: 0,
        epochs: 0,
        loss: undefined,
        mrr: undefined,
        startedAt: 0,
        startStep: 0,
        note: "",
      };
      this.#bars.set(name, { stage, bar: this.#multi.create(1, 0, { ...stage, name }) });
    }
  }

  show(event: PipelineEvent): void {
    const found = this.#bars.get(event.name);
    if (!found) return;
    const { bar, stage } = found;
    const update = (change: Partial<Stage>, step?: number): void => {
      Object.assign(stage, change);
      const payload = { ...stage, name: event.name };
      if (step === undefined) bar.update(payload);
      else bar.update(step, payload);
    };
    switch (event.type) {
      case "start": {
        const { epochs, steps, resumedAt } = event;
        bar.setTotal(steps);
        update({ state: "running", epochs, startedAt: performance.now(), startStep: resumedAt }, resumedAt);
        break;
      }
      case "progress":
        update({ epoch: event.epoch, loss: stage.loss ?? event.loss }, event.step);
        break;
      case "epoch":
        update({ epoch: event.epoch, loss: event.loss.total });
        break;
      case "validation":
        update({ mrr: event.metrics.mrr });
        break;
      case "done": {
        const { best, seconds } = event.result;
        update({ state: "testing", mrr: best.metrics.mrr, note: duration(seconds) }, bar.getTotal());
        break;
      }
      case "row":
      case "skipped": {
        const { mrr, seconds } = event.row;
        const note = event.type === "row" ? duration(seconds) : "there already";
        update({ state: "done", mrr, note }, bar.getTotal());
        break;
      }
      default:
        break;
    }
  }

  stop(): void {
    this.#multi.stop();
  }
}

function line(width: number, { value, total, progress }: cliProgress.Params, stage: Stage & { name: string }): string {
  const colours = paint(process.stderr);
  const { state, epoch, epochs, loss, mrr, note } = stage;
  const name = stage.name.padEnd(width);
  if (state === "waiting") return colours.dim(`${name}  waiting`);
  // Wide terminals get longer bars; the text needs some 60 columns.
  const cells = (process.stderr.columns ?? 80) >= 110 ? 30 : 16;
  const full = Math.round(Math.min(1, progress) * cells);
  const bar = "█".repeat(full) + colours.dim("░".repeat(cells - full));
  if (state === "testing") return `${name}  ${bar}  valid MRR ${metric(mrr!)}  ${colours.dim(note)}`;
  if (state === "done") return `${name}  ${bar}  test MRR ${colours.bold(metric(mrr!))}  ${colours.dim(note)}`;
  const digits = String(epochs).length;
  const parts = [`epoch ${String(epoch + 1).padStart(digits)}/${epochs}`];
  if (loss !== undefined) parts.push(`loss ${loss.toPrecision(3)}`);
  if (mrr !== undefined) parts.push(`valid MRR ${metric(mrr)}`);
  const steps = value - stage.startStep;
  const left = ((performance.now() - stage.startedAt) / 1000 / steps) * (total - value);
  if (steps > 0) parts.push(colours.dim(`${duration(left)} left`));
  return `${name}  ${bar}  ${parts.join("  ")}`;
}

/** A bar for a download; silent where bars are, too. */
export class DownloadBar {
  #bar: cliProgress.SingleBar | undefined;

  constructor(readonly output: Output) {}

  show(received: number, total: number | undefined): void {
    if (process.stderr.isTTY !== true || this.output.json || total === undefined) return;
    const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
    if (!this.#bar) {
      this.#bar = new cliProgress.SingleBar(
        { format: "downloading  {bar}  {value}/{total} MB", stream: process.stderr, hideCursor: true, barsize: 24 },
        cliProgress.Presets.rect,
      );
      this.#bar.start(megabytes(total), 0);
    }
    this.#bar.setTotal(megabytes(total));
    this.#bar.update(megabytes(received));
  }

  stop(): void {
    this.#bar?.stop();
  }
}
