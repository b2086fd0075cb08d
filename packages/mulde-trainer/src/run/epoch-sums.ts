import { z } from "zod";
import type { LossParts } from "./events.js";

/** Sums over the batches of the epoch under way, as a checkpoint holds them. */
export const epochSumsSchema = z.object({
  total: z.number(),
  hard: z.number(),
  soft: z.number().optional(),
  senior: z.number().optional(),
  teachers: z.number().optional(),
  /** by teacher */
  attention: z.array(z.number()).optional(),
});

type Sums = z.infer<typeof epochSumsSchema>;

/** Adds up losses and attention weights over an epoch. A part that a step lacks is left out of the means. */
export class EpochSums {
  readonly #sums: Sums;

  static empty(): Sums {
    return { total: 0, hard: 0 };
  }

  /** @param sums - updated in place */
  constructor(sums: Sums) {
    this.#sums = sums;
  }

  add(loss: LossParts, attention: readonly number[] | undefined): void {
    const sums = this.#sums;
    for (const part of ["total", "hard", "soft", "senior", "teachers"] as const) {
      if (loss[part] !== undefined) sums[part] = (sums[part] ?? 0) + loss[part];
    }
    if (!attention) return;
    const kept = (sums.attention ??= []);
    attention.forEach((weight, i) => (kept[i] = (kept[i] ?? 0) + weight));
  }

  /** The means over `steps` steps; the sums start anew. */
  take(steps: number): { readonly loss: LossParts; readonly attention?: readonly number[] } {
    const { attention, ...sums } = this.#sums;
    const loss = Object.fromEntries(Object.entries(sums).map(([part, sum]) => [part, sum / steps])) as unknown as LossParts;
    for (const key of Object.keys(this.#sums) as (keyof Sums)[]) delete this.#sums[key];
    Object.assign(this.#sums, EpochSums.empty());
    return { loss, ...(attention && { attention: attention.map((sum) => sum / steps) }) };
  }
}
