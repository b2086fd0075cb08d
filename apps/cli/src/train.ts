import { train, trainSchema } from "@mulde/mulde-trainer";
import { MuldeCommand } from "./_command.js";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { addDataOptions, addJsonOption, readOptions, type ReadFlags } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import {
  addOptionFlags,
  addSet,
  assignments,
  asWritten,
  modelFlags,
  type OptionFlag,
  runOptions,
  trainingFlags,
} from "./_options.js";
import { Output } from "./_output.js";
import { addTrainingOptions, intoDirectory, trainAndSave, type TrainingFlags } from "./_training.js";

interface Options extends TrainingFlags, ReadFlags {
  readonly data: string;
  readonly json?: boolean;
}

/** The flags of `train` for options. */
export const flags: readonly OptionFlag[] = [
  { flag: "--model <name>", option: "model.name", help: 'see "mulde options model.name"' },
  ...modelFlags,
  ...trainingFlags,
];

/** `mulde train`: a model from the facts alone. */
export function trainCommand(): MuldeCommand {
  const command = new MuldeCommand("train")
    .summary("train a model on the facts, such as a teacher")
    .description(
      "Train a model on the facts alone: a teacher, or an undistilled Junior. The same command again resumes.",
    )
    .optionsGroup("Data and files:");
  addDataOptions(command, { use: "data set to train on" });
  addTrainingOptions(command);
  addOptionFlags(command.optionsGroup("Model and training:"), flags);
  addSet(command, trainSchema);
  addImportOption(command.optionsGroup("Options:"));
  addJsonOption(command).examples(
    "mulde train --data wordnet31-small --out models/roth",
    "mulde train --data WN18RR --model ComplEx --dim 256 --loss 1vsAll \\",
    "  --set regularizer.name=N3 --set regularizer.weight=0.05 --out models/complex",
  );
  return command.action(async (given: Options) => {
    const output = new Output(given.json ?? false);
    const written = assignments(flags, { ...given });
    const options = runOptions(trainSchema, written);
    await intoDirectory(given, async (signal) => {
      const engine = await logEngine(output);
      const data = await openData(given.data, output, { ...readOptions(given), signal });
      const summary = { kind: "train", options };
      const training = { name: options.model.name, options, data, engine, summary };
      const start = (control: object) => {
        try {
          return train(options, { data, ...control });
        } catch (error) {
          throw asWritten(error, written);
        }
      };
      await trainAndSave({ ...training, start }, given, output, signal);
    });
  });
}
