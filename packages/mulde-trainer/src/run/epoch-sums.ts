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
  #sums: Sums;

  /** @param sums - of the epoch under way */
  constructor(sums: Sums = { total: 0, hard: 0 }) {
    this.#sums = sums;
  }

  /** The sums as a checkpoint holds them. */
  get sums(): Sums {
    return this.#sums;
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
    const loss = Object.fromEntries(
      Object.entries(sums).map(([part, sum]) => [part, sum / steps]),
    ) as unknown as LossParts;
    this.#sums = { total: 0, hard: 0 };
    return { loss, ...(attention && { attention: attention.map((sum) => sum / steps) }) };
  }
}
