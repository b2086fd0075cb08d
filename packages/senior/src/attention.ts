import { MuldeError } from "@mulde/errors";

/**
 * How a query's teachers are weighted by their distance from the Junior: a = softmax_i(-D_i / tau) with
 * D_i = KL(softmax(s_J) || softmax(s'_i)) over the K candidates, all of it detached: no gradient flows through a. Small tau: the
 * nearest teacher alone; large tau: all alike; Infinity: exactly 1/m each.
 */
export interface Attention {
  /** tau of an epoch counted from 0; above 0, Infinity allowed. */
  temperature(epoch: number): number;
}

export interface ContrastAttentionOptions {
  /** tau by epoch, counted from 0; `paperSchedule` unless given. */
  readonly schedule?: (epoch: number) => number;
}

/**
 * Contrast attention (MulDE, section 4.2): early on the teacher nearest to the Junior dominates, later the weights become equal.
 *
 * @throws MuldeError SENIOR_TEMPERATURE (from `temperature`) where the schedule gives NaN, 0 or a negative number
 */
export function contrastAttention(options: ContrastAttentionOptions = {}): Attention {
  const schedule = options.schedule ?? paperSchedule;
  return {
    temperature(epoch) {
      const tau = schedule(epoch);
      if (tau > 0) return tau;
      throw new MuldeError(
        "SENIOR_TEMPERATURE",
        `The schedule gave tau = ${String(tau)} for epoch ${String(epoch)}; it must be above 0.`,
      );
    },
  };
}

/** The weight 1/m for every teacher, whatever the epoch. */
export function uniformAttention(): Attention {
  return { temperature: () => Infinity };
}

/**
 * exp(80) = 5.5e34 is finite in float32 as in float64, and at that tau the weights are equal to the last bit for any
 * divergence below 1e18. The formula itself overflows float32 at epoch 445 and float64 at epoch 3550.
 */
const LARGEST_EXPONENT = 80;

/**
 * tau(t) = exp(floor(t / 5)) with t the epoch from 0: 1 in epochs 0 to 4, 2.718 in 5 to 9, 148.4 in 25 to 29. The exponent
 * is capped at 80 (from epoch 400 on), where nothing changes any more.
 *
 * @throws MuldeError SENIOR_EPOCH for a negative number or NaN
 */
export function paperSchedule(epoch: number): number {
  if (!(epoch >= 0)) {
    throw new MuldeError("SENIOR_EPOCH", `Epochs are counted from 0, but the epoch is ${String(epoch)}.`);
  }
  return Math.exp(Math.min(Math.floor(epoch / 5), LARGEST_EXPONENT));
}
