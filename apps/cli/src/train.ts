import { modelNames } from "@mulde/kge-models";
import { pretrainTeacher, trainSchema } from "@mulde/mulde-trainer";
import { Command } from "commander";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { addDataOptions, addJsonOption, addSchemaOptions, readOptions, schemaOptions } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { Output } from "./_output.js";
import { addTrainingOptions, checkOut, modelHeading, trainAndSave, type TrainingFlags } from "./_training.js";

interface Options extends TrainingFlags {
  readonly data: string;
  readonly columns: string;
  readonly delimiter?: string;
  readonly json?: boolean;
}

/** `mulde train`: a model from the facts alone. */
export function trainCommand(): Command {
  const flags = { choices: { model: modelNames() }, headings: modelHeading };
  const command = new Command("train").description(
    "Train a model on the facts alone: a teacher, or an undistilled Junior. The same command again resumes.",
  );
  addDataOptions(command, { required: true, use: "data set to train on" });
  addTrainingOptions(command);
  addSchemaOptions(command, trainSchema, flags);
  addJsonOption(command);
  return command.action(async (given: Options) => {
    const output = new Output(given.json ?? false);
    const options = schemaOptions({ ...given }, trainSchema, flags);
    await checkOut(given);
    const engine = await logEngine(output);
    await interruptible(async (signal) => {
      const data = await openData(given.data, output, { ...readOptions(given), signal });
      const summary = { kind: "train", options };
      const start = (control: object) => pretrainTeacher(options, { data, ...control });
      await trainAndSave({ name: options.model, options, data, engine, summary, start }, given, output, signal);
    });
  });
}
