import type { Row } from "@mulde/mulde-trainer";
import { brief, duration, metric, size, table } from "./_table.js";
import { wrapped } from "./_text.js";

/** The table of an experiment. */
export function rowsTable(rows: readonly Row[]): string {
  const right = (head: string) => ({ head, align: "right" }) as const;
  return table(
    [
      { head: "role" },
      { head: "model", cut: "end" },
      ...["dim", "size", "MRR", "H@1", "H@3", "H@10", "time"].map(right),
    ],
    rows.map(({ role, name, model, dim, bytes, mrr, hits, seconds }) => [
      role,
      role === "senior" ? "all teachers" : called(name, role, model),
      String(dim),
      size(bytes),
      metric(mrr),
      ...["1", "3", "10"].map((k) => metric(hits[k]!)),
      role === "senior" ? "-" : brief(seconds),
    ]),
  );
}

/** A model's name with its scoring function, once. */
function called(name: string, role: string, model: string): string {
  if (name === role) return model;
  return name.includes(model) ? name : `${name} (${model})`;
}

/** Where the models of an experiment are. */
export function savedIn(rows: readonly Row[], out: string): string {
  const names = rows.filter(({ role }) => role !== "senior").map(({ name }) => name);
  return wrapped(`Models saved in ${out}: ${names.join(", ")}`);
}

/** One sentence on what distillation brought; undefined where there is nothing to compare with. */
export function comparison(rows: readonly Row[]): string | undefined {
  const distilled = rows.find(({ name }) => name === "distilled");
  const undistilled = rows.find(({ name }) => name === "undistilled");
  if (!distilled || !undistilled) return undefined;
  const gain = (distilled.mrr / undistilled.mrr - 1) * 100;
  const change =
    gain >= 0
      ? `${gain.toFixed(1)} % above the undistilled one's`
      : `${(-gain).toFixed(1)} % below the undistilled one's`;
  const honest = gain >= 0 ? "" : " (here distillation did not help)";
  const best = rows.filter(({ role }) => role === "teacher").reduce((a, b) => (b.mrr > a.mrr ? b : a));
  const share = ((100 * distilled.mrr) / best.mrr).toFixed(0);
  const smaller = (best.bytes / distilled.bytes).toFixed(1);
  return wrapped(
    `The distilled ${distilled.model} of ${distilled.dim} dimensions reaches MRR ${metric(distilled.mrr)}, ` +
      `${change} ${metric(undistilled.mrr)}${honest}, ` +
      `and ${share} % of the best teacher's (${best.name}, ${metric(best.mrr)}) at 1/${smaller} of its size.`,
  );
}

/** All training together. */
export function trainingTime(rows: readonly Row[]): string {
  return duration(rows.reduce((sum, { seconds }) => sum + seconds, 0));
}
