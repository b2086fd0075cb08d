import type { RankingReport } from "@mulde/eval";

/** What a model is in an experiment. */
export type Role = "teacher" | "undistilled" | "distilled" | "senior";

/** One line of an experiment's table: the test split, filtered, realistic ranks, both directions. */
export interface Row {
  readonly role: Role;
  /** the teacher's or variant's name, or the role */
  readonly name: string;
  readonly model: string;
  readonly dim: number;
  readonly parameters: number;
  /** of the parameters in float32 */
  readonly bytes: number;
  readonly mrr: number;
  readonly mr: number;
  readonly hits: Readonly<Record<string, number>>;
  readonly headMrr: number;
  readonly tailMrr: number;
  /** epochs trained */
  readonly epochs: number;
  readonly seed: number;
  /** of training with its validations */
  readonly seconds: number;
}

/** A row from the metrics on the test split. */
export function toRow(
  { mrr, mr, hits, head, tail }: RankingReport,
  rest: Omit<Row, "bytes" | "mrr" | "mr" | "hits" | "headMrr" | "tailMrr">,
): Row {
  return { ...rest, bytes: 4 * rest.parameters, mrr, mr, hits, headMrr: head.mrr, tailMrr: tail.mrr };
}
