import { calledAs } from "./_called-as.js";
import { MuldeCommand } from "./_command.js";
import { runFile } from "./_experiment.js";
import { addJsonOption, pathFrom } from "./_flags.js";
import { Output } from "./_output.js";
import { paint } from "./_paint.js";
import { presetFile } from "./_presets.js";
import { comparison, rowsTable, savedIn, trainingTime } from "./_rows.js";
import { continued, pageWidth } from "./_text.js";

/** The quickstart's experiment. */
export const quickstartFile = presetFile("quickstart");

/** What to try with the quickstart's models. */
export function nextCommands(program: string, out: string, data: string): readonly string[] {
  const distilled = `${out}/distilled`;
  return [
    [`${program} predict`, distilled, `--data ${data}`, "--tail clothing.n.01", "--relation _hypernym"],
    [`${program} evaluate`, distilled, `--data ${data}`, "--by-relation"],
  ].map((parts) => continued(parts, pageWidth - 2));
}

/** `mulde quickstart`: the whole of MulDE on the embedded WordNet graph, in minutes. */
export function quickstartCommand(): MuldeCommand {
  const command = new MuldeCommand("quickstart")
    .summary("train and distil on WordNet, in minutes")
    .description(
      "Train four teachers, an undistilled and a distilled Junior on the embedded WordNet graph, in minutes. " +
        "The same command again resumes, or shows the results.",
    )
    .option("--out <dir>", "directory of the models", pathFrom, "runs/quickstart");
  addJsonOption(command).examples("mulde quickstart");
  return command.action(async ({ out, json }: { out: string; json?: boolean }) => {
    const output = new Output(json ?? false);
    const { rows, data } = await runFile({ file: quickstartFile, out }, output);
    output.result({ rows, out }, () => {
      const { bold } = paint(process.stdout);
      return [
        rowsTable(rows),
        `${data}, test split, filtered; ${trainingTime(rows)} of training.`,
        `${savedIn(rows, out)}\n`,
        `${comparison(rows)!}\n`,
        "Next:",
        ...nextCommands(calledAs(), out, data).map((command) => bold(`  ${command.replaceAll("\n", "\n  ")}`)),
      ].join("\n");
    });
  });
}
