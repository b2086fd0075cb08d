import type { ExperimentEvent } from "@mulde/mulde-trainer";
import cliProgress from "cli-progress";
import { barLine, type BarState } from "./_bar-line.js";
import type { Output } from "./_output.js";
import { printable } from "./_printable.js";
import { duration } from "./_table.js";

/** A model's bar, with what its time left is estimated from. */
interface Stage extends BarState {
  /** of this process, since resuming would spoil the estimate */
  readonly startedAt: number;
  readonly startStep: number;
}

/** Several bars at a time, one for each model. */
export class Bars {
  readonly #multi: cliProgress.MultiBar;
  readonly #bars = new Map<string, { readonly bar: cliProgress.SingleBar; stage: Stage }>();

  constructor(names: readonly string[]) {
    this.#multi = new cliProgress.MultiBar(
      {
        // The bars write by themselves.
        format: (_options, params, stage: Stage) =>
          printable(barLine(current(stage, params), names, process.stderr.columns)),
        stream: process.stderr,
        hideCursor: true,
        fps: 10,
        // The program listens to Ctrl-C itself and stops the bars.
        gracefulExit: false,
        emptyOnZero: true,
      },
      cliProgress.Presets.rect,
    );
    for (const name of names) {
      const stage: Stage = {
        ...{ name, state: "waiting", epoch: 0, epochs: 0, loss: undefined, mrr: undefined, progress: 0 },
        ...{ left: undefined, startedAt: 0, startStep: 0, note: "" },
      };
      this.#bars.set(name, { stage, bar: this.#multi.create(1, 0, stage) });
    }
  }

  show(event: ExperimentEvent): void {
    const found = this.#bars.get(event.name);
    if (!found) return;
    const { bar } = found;
    const update = (change: Partial<Stage>, step?: number): void => {
      found.stage = { ...found.stage, ...change };
      if (step === undefined) bar.update(found.stage);
      else bar.update(step, found.stage);
    };
    switch (event.type) {
      case "start": {
        const { epochs, steps, resumedAt } = event;
        bar.setTotal(steps);
        update({ state: "running", epochs, startedAt: performance.now(), startStep: resumedAt }, resumedAt);
        break;
      }
      case "progress":
        update({ epoch: event.epoch, loss: found.stage.loss ?? event.loss }, event.step);
        break;
      case "epoch":
        update({ epoch: event.epoch, loss: event.loss.total });
        break;
      case "validation":
        update({ mrr: event.metrics.mrr });
        break;
      case "warning":
        this.#multi.log(`${event.name}: warning: ${event.message}\n`);
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

/** What a bar shows now. */
function current(stage: Stage, { value, total, progress }: cliProgress.Params): BarState {
  const steps = value - stage.startStep;
  const left = ((performance.now() - stage.startedAt) / 1000 / steps) * (total - value);
  return { ...stage, progress, left: steps > 0 ? left : undefined };
}

/** A bar for a download; silent where bars are, too. */
export class DownloadBar {
  #bar: cliProgress.SingleBar | undefined;

  constructor(readonly output: Output) {}

  show(received: number, total: number | undefined): void {
    if (!process.stderr.isTTY || this.output.json || total === undefined) return;
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
