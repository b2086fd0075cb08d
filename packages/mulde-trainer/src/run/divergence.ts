// What stopped being finite, in words: the reason why a run cannot go on, whose fault it is, and what to do.
import { hasCode } from "@mulde/errors";
import type { TeacherScore } from "@mulde/senior";
import type { Names } from "../facts/data.js";
import type { LossParts } from "./events.js";
import type { OddGradient } from "./optimizer.js";

/** Why a run cannot go on. */
export interface Divergence {
  /** what is not finite, as a clause */
  readonly reason: string;
  /** whether the trained tables are at fault, or a teacher that is not trained */
  readonly own: boolean;
  /** what to do, where a teacher is at fault */
  readonly advice?: string;
  /** what is not finite, for programs */
  readonly value?: unknown;
  readonly cause?: unknown;
}

/** A score of the trained model: the `value` of SCORE_NOT_FINITE and SENIOR_NOT_FINITE where it is known. */
interface RankedScore {
  readonly head: number;
  readonly relation: number;
  readonly entity: number;
  readonly score: number;
}

/** What an error of a step or a validation says of scores that are not finite; undefined for other errors. */
export function divergenceOf(error: unknown, names: Names): Divergence | undefined {
  if (hasCode(error, "SENIOR_TEACHER_NOT_FINITE", "SENIOR_TEACHER_TOO_LARGE")) {
    const { value } = error;
    if (!isTeacherScore(value)) return { reason: error.reason.replace(/\.$/, ""), own: false, cause: error };
    const { teacher, head, relation, candidate, score } = value;
    const asked = `head ${names.entity(head)}, relation ${names.relation(relation)}, candidate ${names.entity(candidate)}`;
    const large = error.code === "SENIOR_TEACHER_TOO_LARGE";
    return {
      reason: `the teacher "${teacher}" gave ${score} for ${asked}${large ? ", beside which nothing is left of other scores" : ""}`,
      own: value.trained === true,
      advice: large
        ? "Choose senior.normalization zScore or ranks, which make all teachers equally large (belowBest and none do not), or lower this teacher's scores."
        : "Mend this teacher: it must score every candidate with a finite number.",
      value,
      cause: error,
    };
  }
  if (hasCode(error, "SCORE_NOT_FINITE", "SENIOR_NOT_FINITE")) {
    const { value } = error;
    if (!isRankedScore(value)) return { reason: "scores are no longer finite", own: true, cause: error };
    const { head, relation, entity, score } = value;
    const asked = `head ${names.entity(head)}, relation ${names.relation(relation)}`;
    return { reason: `${names.entity(entity)} scores ${score} for ${asked}`, own: true, value, cause: error };
  }
  return undefined;
}

/** What is wrong with a step's losses; undefined if nothing is. */
export function oddLoss(loss: LossParts): Divergence | undefined {
  const { total, ...parts } = loss;
  if (Number.isFinite(total)) return undefined;
  const odd = Object.entries(parts).filter(([, value]) => !Number.isFinite(value));
  const which = odd.map(([part, value]) => `${part} ${value}`).join(", ");
  return { reason: `the loss is ${total}${which === "" ? "" : ` (${which})`}`, own: true, value: loss };
}

/** What is wrong with a gradient that an optimizer met. */
export function oddGradient(odd: OddGradient, names: Names): Divergence {
  const { table, row, rows, value } = odd;
  const which = rowName(table, row, rows, names);
  const size = Number.isFinite(value) ? `${value}, too large to be squared` : String(value);
  return { reason: `the gradient of table "${table}", row ${row}${which}, is ${size}`, own: true, value: odd };
}

const entityTables = ["entity", "headBias", "tailBias"];

/** What a row of a table belongs to, in brackets; nothing where that is unknown. Tables of teachers that adapt have a prefix. */
function rowName(table: string, row: number, rows: number, names: Names): string {
  const own = table.slice(table.lastIndexOf(".") + 1);
  if (entityTables.includes(own)) return ` (${names.entity(row)})`;
  return rows === names.relations ? ` (${names.relation(row)})` : "";
}

function isTeacherScore(value: unknown): value is TeacherScore & { readonly trained?: boolean } {
  return typeof (value as TeacherScore | null)?.teacher === "string";
}

function isRankedScore(value: unknown): value is RankedScore {
  return typeof (value as RankedScore | null)?.entity === "number";
}
