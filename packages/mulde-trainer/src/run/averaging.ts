// Averages of the iterates: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on Control and
// Optimization 30 (1992); here with exponential weights, so that early steps are forgotten.
import type { Trained } from "./optimizer.js";

// A pass over all tables of WN18RR at d = 32 takes 1.5 to 2.5 ms, about as long as a step, so that there is one for 16 steps, with as many powers
// of the decay. At decays that matter, 0.99 and above, the average hardly tells the 16 apart.
const every = 16;

/** An exponential moving average of trained tables, a <- d a + (1 - d) p in each step. With decay 0 there is none, and nothing is done. */
export class Averaging {
  readonly #tables: readonly Trained[];
  readonly #decay: number;
  readonly #averages = new Map<string, Float32Array>();

  constructor(tables: readonly Trained[], decay: number) {
    this.#tables = decay > 0 ? tables : [];
    this.#decay = decay;
    for (const { name, data } of this.#tables) this.#averages.set(name, data.slice());
  }

  /**
   * To be called after each step, counted from 1: takes the parameters in after every 16 steps of an epoch and at its end, so that what is
   * validated is never behind. Until there are enough steps to average the decay is (1 + t) / (10 + t) at most.
   */
  update(step: number, stepsPerEpoch: number): void {
    const inEpoch = ((step - 1) % stepsPerEpoch) + 1;
    if (inEpoch % every !== 0 && inEpoch !== stepsPerEpoch) return;
    const steps = inEpoch % every || every;
    const rate = 1 - Math.min(this.#decay, (1 + step) / (10 + step)) ** steps;
    for (const { name, data } of this.#tables) {
      const average = this.#averages.get(name)!;
      for (let i = 0; i < average.length; i++) average[i]! += rate * (data[i]! - average[i]!);
    }
  }

  /** Puts the averages where the parameters are, and these aside; the second call puts them back. */
  swap(): void {
    for (const { name, data } of this.#tables) {
      const average = this.#averages.get(name)!;
      const parameters = data.slice();
      data.set(average);
      average.set(parameters);
    }
  }

  /** The averages by table, to be saved, or filled by a checkpoint. */
  state(): ReadonlyMap<string, Float32Array> {
    return this.#averages;
  }
}
