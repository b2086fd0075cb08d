import type { RankingReport, SideMetrics } from "@mulde/eval";
import { metric, table, whole } from "./_table.js";

/** The metrics of a ranking without its parts by relation and category. */
export type Metrics = Omit<RankingReport, "byRelation" | "byCategory">;

/** Leaves the parts by relation and category out. */
export function overall({ byRelation: _relations, byCategory: _categories, ...metrics }: RankingReport): Metrics {
  return metrics;
}

/** Both directions, then each. */
export function metricsTable({ head, tail, ...both }: Metrics): string {
  const row = (name: string, { mrr, mr, hits, ranks }: SideMetrics): string[] => [
    name,
    metric(mrr),
    mr.toFixed(1),
    ...Object.values(hits).map(metric),
    whole(ranks),
  ];
  const right = (name: string) => ({ head: name, align: "right" }) as const;
  return table(
    [{ head: "side" }, ...["MRR", "MR", ...Object.keys(both.hits).map((k) => `Hits@${k}`), "ranks"].map(right)],
    [row("both", both), row("head", head), row("tail", tail)],
  );
}
