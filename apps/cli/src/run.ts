import { Command } from "commander";
import { runExperiment } from "./_experiment.js";
import { addJsonOption } from "./_flags.js";
import { Output } from "./_output.js";
import { comparison, rowsTable, savedIn } from "./_rows.js";

interface Options {
  readonly out: string;
  readonly log?: string;
  readonly json?: boolean;
}

/** `mulde run`: a whole experiment from a YAML file. */
export function runCommand(): Command {
  const command = new Command("run")
    .description(
      "Run a whole experiment: teachers, an undistilled and a distilled Junior. The same command again resumes, or shows the results.",
    )
    .argument("<file>", "experiment in YAML: data, seed, defaults, teachers, junior, undistilled")
    .requiredOption("--out <dir>", "directory of the experiment's models, checkpoints and report.json")
    .option("--log <file>", "append every event to a file of JSON lines");
  return addJsonOption(command).action(async (file: string, { out, log, json }: Options) => {
    const output = new Output(json ?? false);
    const { rows, data } = await runExperiment({ file, out, ...(log !== undefined && { log }) }, output);
    output.result({ rows, out }, () => {
      const parts = [rowsTable(rows), `${data}, test split, filtered.\n${savedIn(rows, out)}`, comparison(rows)];
      return parts.filter((part) => part !== undefined).join("\n\n");
    });
  });
}
