import { type Dataset, indexAnswers } from "@mulde/datasets";
import { evaluate, type EvaluateOptions, type RankingReport, type SideMetrics } from "@mulde/eval";
import { type KgeModel, modelScorer } from "@mulde/kge-models";
import { metric, table, whole } from "./_table.js";

/** The metrics of a ranking without its parts by relation and category. */
export type Metrics = Omit<RankingReport, "byRelation" | "byCategory">;

/** Ranks a split of a data set, filtered with all its splits unless `raw`. */
export function rankSplit(
  model: KgeModel,
  data: Dataset,
  split: "train" | "valid" | "test",
  options: Pick<EvaluateOptions, "tie" | "trainTriples" | "onProgress" | "signal"> & { readonly raw?: boolean } = {},
): Promise<RankingReport> {
  const { raw, ...rest } = options;
  const numRelations = data.relations.size;
  const known = raw ? undefined : indexAnswers(data.entities.size, numRelations, data.train, data.valid, data.test);
  return evaluate(modelScorer(model), { triples: data[split], numRelations, known, ...rest });
}

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
