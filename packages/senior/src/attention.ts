import { MuldeError } from "@mulde/errors";

/**
 * Weights a query's teachers by their distance from the Junior: a = softmax_i(-D_i / tau) with D_i = KL(softmax(s_J) || softmax(s'_i))
 * over the K candidates. The weights are detached: no gradient flows through a. A small tau picks the nearest teacher, a large one weights all
 * alike, and Infinity gives exactly 1/m each.
 */
export interface Attention {
  /** tau of an epoch, counted from 0. Above 0; may be Infinity. */
  temperature(epoch: number): number;
}

export interface ContrastAttentionOptions {
  /** tau of an epoch, counted from 0. Default `paperSchedule`. */
  readonly schedule?: (epoch: number) => number;
}

/**
 * Contrast attention (MulDE, section 4.2): at first the teacher nearest to the Junior dominates, later the weights become equal.
 *
 * @returns An attention whose `temperature` throws SENIOR_TEMPERATURE if the schedule gives NaN, 0 or a negative number
 */
export function contrastAttention(options: ContrastAttentionOptions = {}): Attention {
  const schedule = options.schedule ?? paperSchedule;
  if (typeof (schedule as unknown) !== "function") {
    throw new MuldeError("SENIOR_PART", "must be a function of the epoch.", { path: ["schedule"], value: schedule });
  }
  return {
    temperature(epoch) {
      const tau = schedule(epoch);
      if (tau > 0) return tau;
      throw new MuldeError(
        "SENIOR_TEMPERATURE",
        `The schedule gave tau = ${String(tau)} for epoch ${String(epoch)}; it must be above 0.`,
        { value: tau },
      );
    },
  };
}

/** Every teacher weighs 1/m in every epoch. */
export function uniformAttention(): Attention {
  return { temperature: () => Infinity };
}

/**
 * exp(80) = 5.5e34 is finite in float32 and float64, and at that tau the weights are equal to the last bit for any divergence below
 * 1e18. Without a cap, the formula overflows float32 at epoch 445 and float64 at epoch 3550.
 */
const LARGEST_EXPONENT = 80;

/**
 * The paper's schedule, tau(t) = exp(floor(t / 5)) for epoch t from 0: 1 in epochs 0 to 4, 2.718 in 5 to 9, 148.4 in 25 to 29. The exponent
 * stops at 80 (epoch 400), where the weights no longer change.
 *
 * @throws MuldeError SENIOR_EPOCH for a negative number or NaN
 */
export function paperSchedule(epoch: number): number {
  if (!(typeof (epoch as unknown) === "number" && epoch >= 0)) {
    const told = typeof (epoch as unknown) === "object" ? "an object" : String(epoch);
    throw new MuldeError("SENIOR_EPOCH", `Epochs are counted from 0, but the epoch is ${told}.`, {
      value: epoch,
    });
  }
  return Math.exp(Math.min(Math.floor(epoch / 5), LARGEST_EXPONENT));
}
