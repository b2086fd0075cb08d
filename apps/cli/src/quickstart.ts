import { Command } from "commander";
import { runExperiment } from "./_experiment.js";
import { addJsonOption } from "./_flags.js";
import { Output, paint } from "./_output.js";
import { presetFile } from "./_presets.js";
import { comparison, rowsTable, savedIn, trainingTime } from "./_rows.js";

/** The quickstart's experiment. */
export const quickstartFile = presetFile("quickstart");

/** What to try with the quickstart's models. */
export function nextCommands(out: string, data: string): readonly string[] {
  const distilled = `${out}/distilled`;
  return [
    `npx mulde predict ${distilled} --head clothing.n.01 --relation _hypernym --top 5 --data ${data}`,
    `npx mulde evaluate ${distilled} --data ${data} --by-relation`,
  ];
}

/** `mulde quickstart`: the whole of MulDE on the embedded WordNet graph, in minutes. */
export function quickstartCommand(): Command {
  const command = new Command("quickstart")
    .description(
      "Train four teachers, an undistilled and a distilled Junior on the embedded WordNet graph, in minutes.",
    )
    .option("--out <dir>", "directory of the models", "runs/quickstart");
  return addJsonOption(command).action(async ({ out, json }: { out: string; json?: boolean }) => {
    const output = new Output(json ?? false);
    const { rows, data } = await runExperiment({ file: quickstartFile, out }, output);
    output.result({ rows, out }, () => {
      const colours = paint(process.stdout);
      return [
        rowsTable(rows),
        `${data}, test split, filtered; ${trainingTime(rows)} of training.`,
        `${savedIn(rows, out)}\n`,
        `${comparison(rows)!}\n`,
        "Next:",
        ...nextCommands(out, data).map((line) => `  ${colours.bold(line)}`),
      ].join("\n");
    });
  });
}
