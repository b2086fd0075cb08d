import type { RelationCategory, SidedMetrics, Tie } from "@mulde/eval";
import { openModel } from "@mulde/kge-models";
import { evaluateModel } from "@mulde/mulde-trainer";
import { Option } from "commander";
import { MuldeCommand } from "./_command.js";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { addDataOptions, addJsonOption, readOptions, type ReadFlags } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import { interruptible } from "./_interrupt.js";
import { metricsTable, overall } from "./_metrics.js";
import { Output } from "./_output.js";
import { metric, table, whole } from "./_table.js";

interface Options extends ReadFlags {
  readonly data: string;
  readonly split: "train" | "valid" | "test";
  readonly tie: Tie;
  readonly raw?: boolean;
  readonly byRelation?: boolean;
  readonly json?: boolean;
}

type NamedMetrics = SidedMetrics & { readonly relation: string };

/** `mulde evaluate`: filtered ranking of a split, both directions. */
export function evaluateCommand(): MuldeCommand {
  const command = new MuldeCommand("evaluate")
    .summary("rank the true answers of a split")
    .description("Rank the true entities of a split among all entities, in both directions.")
    .argument("<dir>", "directory of a trained model");
  addDataOptions(command, { use: "data set that the model was trained on" })
    .addOption(new Option("--split <name>", "split to rank").choices(["train", "valid", "test"]).default("test"))
    .addOption(
      new Option("--tie <name>", "rank among equal scores: mean, best or worst place")
        .choices(["realistic", "optimistic", "pessimistic"])
        .default("realistic"),
    )
    .option("--raw", "let other known answers compete instead of leaving them out")
    .option("--by-relation", "also by relation, and by category (1-1, 1-N, N-1, N-N)");
  addImportOption(command);
  addJsonOption(command).examples("mulde evaluate models/junior --data wordnet31-small --by-relation");
  return command.action(async (directory: string, given: Options) => {
    const output = new Output(given.json ?? false);
    await logEngine(output);
    const { split, tie, raw = false, byRelation = false } = given;
    const { data, report } = await interruptible(async (signal) => {
      const opened = await openData(given.data, output, { ...readOptions(given), signal });
      const model = await openModel(directory, { data: opened });
      const options = {
        ...{ tie, signal },
        ...(raw && { known: undefined }),
        ...(byRelation && { trainTriples: opened.train }),
      };
      return { data: opened, report: await evaluateModel(model, opened, split, options) };
    });
    const metrics = overall(report);
    const relations = report.byRelation.map(({ relation, ...rest }): NamedMetrics => ({
      relation: data.relations.name(relation),
      ...rest,
    }));
    const parts = byRelation && { byRelation: relations, byCategory: report.byCategory };
    output.result({ ...metrics, split, data: data.name, ...parts }, () => {
      const { filtered, seconds } = metrics;
      const head = `${data.name}, ${split} split, ${filtered ? "filtered" : "raw"}, ${tie} ranks, ${seconds.toFixed(1)} s`;
      const more = byRelation ? `\n\n${relationTable(relations, report.byCategory!)}` : "";
      return `${head}\n${metricsTable(metrics)}${more}`;
    });
  });
}

function relationTable(
  relations: readonly NamedMetrics[],
  categories: Readonly<Record<RelationCategory, SidedMetrics>>,
): string {
  const right = (head: string) => ({ head, align: "right" }) as const;
  const row = (name: string, { mrr, head, tail, hits, ranks }: SidedMetrics): string[] => [
    name,
    metric(mrr),
    metric(head.mrr),
    metric(tail.mrr),
    metric(hits["10"]!),
    whole(ranks),
  ];
  const sorted = [...relations].sort((a, b) => b.ranks - a.ranks).map((metrics) => row(metrics.relation, metrics));
  const kinds = Object.entries(categories).map(([kind, metrics]) => row(kind, metrics));
  return table(
    [{ head: "relation", cut: "middle" }, ...["MRR", "head MRR", "tail MRR", "Hits@10", "ranks"].map(right)],
    [...sorted, ...kinds],
  );
}
