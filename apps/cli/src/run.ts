import { Command, Option } from "commander";
import { UsageError } from "./_errors.js";
import { runExperiment } from "./_experiment.js";
import { addJsonOption, wholeNumber } from "./_flags.js";
import { Output } from "./_output.js";
import { presetFile, presetNames } from "./_presets.js";
import { comparison, rowsTable, savedIn } from "./_rows.js";

interface Options {
  readonly out: string;
  readonly preset?: string;
  readonly seed?: number;
  readonly log?: string;
  readonly json?: boolean;
}

/** `mulde run`: a whole experiment from a YAML file, or one that comes along. */
export function runCommand(): Command {
  const command = new Command("run")
    .description(
      "Run a whole experiment: teachers, an undistilled and a distilled Junior. The same command again resumes, or shows the results.",
    )
    .argument("[file]", "experiment in YAML: data, seed, defaults, teachers, junior, undistilled")
    .addOption(
      new Option("--preset <name>", "an experiment that comes along, in place of a file").choices(presetNames()),
    )
    .option("--seed <integer>", "seed in place of the experiment's own", wholeNumber(0))
    .requiredOption("--out <dir>", "directory of the experiment's models, checkpoints and report.json")
    .option("--log <file>", "append every event to a file of JSON lines");
  return addJsonOption(command).action(async (given: string | undefined, { preset, json, ...rest }: Options) => {
    if ((given === undefined) === (preset === undefined)) {
      throw new UsageError("give either the file of an experiment or --preset");
    }
    const file = given ?? presetFile(preset!);
    const output = new Output(json ?? false);
    const { rows, data } = await runExperiment({ file, ...rest }, output);
    output.result({ rows, out: rest.out }, () => {
      const parts = [rowsTable(rows), `${data}, test split, filtered.\n${savedIn(rows, rest.out)}`, comparison(rows)];
      return parts.filter((part) => part !== undefined).join("\n\n");
    });
  });
}
