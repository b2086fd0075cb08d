import { Option } from "commander";
import { MuldeCommand } from "./_command.js";
import { UsageError } from "./_errors.js";
import { runFile } from "./_experiment.js";
import { addJsonOption, numberAtLeast, pathFrom, wholeNumber } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import { Output } from "./_output.js";
import { presetFile, presetNames } from "./_presets.js";
import { comparison, rowsTable, savedIn } from "./_rows.js";

interface Options {
  readonly out: string;
  readonly preset?: string;
  readonly seed?: number;
  readonly log?: string;
  readonly checkpointMinutes: number;
  readonly json?: boolean;
}

/** `mulde run`: a whole experiment from a YAML file, or one that comes along. */
export function runCommand(): MuldeCommand {
  const command = new MuldeCommand("run")
    .summary("run a whole experiment from a YAML file")
    .description(
      "Run a whole experiment: teachers, an undistilled and a distilled Junior, and variants. The same command again " +
        "resumes, or shows the results.",
    )
    .argument("[file]", "experiment in YAML; the README shows one")
    .addOption(new Option("--preset <name>", "an experiment that comes along").choices(presetNames()))
    .option("--seed <n>", "seed in place of the experiment's own", wholeNumber(0))
    .requiredOption("--out <dir>", "directory of the models, checkpoints and report.json", pathFrom)
    .option("--log <file>", "append all events as JSON lines", pathFrom)
    .option("--checkpoint-minutes <n>", "between checkpoints", numberAtLeast(0), 5);
  addImportOption(command);
  addJsonOption(command).examples(
    "mulde run --preset quickstart --out runs/quickstart",
    "mulde run my.yaml --import ./my-model.js --out runs/my",
  );
  return command.action(async (given: string | undefined, { preset, json, ...rest }: Options) => {
    const file = given ?? (preset === undefined ? undefined : presetFile(preset));
    if (file === undefined || (given !== undefined && preset !== undefined)) {
      throw new UsageError("Give either the file of an experiment or --preset.");
    }
    const output = new Output(json ?? false);
    const { rows, data } = await runFile({ file, ...rest }, output);
    output.result({ rows, out: rest.out }, () => {
      const parts = [rowsTable(rows), `${data}, test split, filtered.\n${savedIn(rows, rest.out)}`, comparison(rows)];
      return parts.filter((part) => part !== undefined).join("\n\n");
    });
  });
}
