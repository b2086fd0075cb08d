import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type KgeModel, modelNames, modelTeacher } from "@mulde/kge-models";
import { readScores, scoreTable, type Teacher } from "@mulde/senior";
import { distil, distilSchema, openModel } from "@mulde/mulde-trainer";
import { Command, InvalidArgumentError } from "commander";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { addDataOptions, addJsonOption, addSchemaOptions, readOptions, schemaOptions } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { Output } from "./_output.js";
import { addTrainingOptions, checkOut, modelHeading, trainAndSave, type TrainingFlags } from "./_training.js";

interface Options extends TrainingFlags {
  readonly teachers: readonly string[];
  readonly data: string;
  readonly columns: string;
  readonly delimiter?: string;
  readonly json?: boolean;
}

/** `mulde distil`: a Junior from the facts and from saved teachers. */
export function distilCommand(): Command {
  const flags = { names: { model: "junior" }, choices: { model: modelNames() }, headings: modelHeading };
  const command = new Command("distil").description(
    "Distil a Junior from trained teachers (Wang et al., MulDE, 2021). The same command again resumes.",
  );
  command.requiredOption(
    "--teachers <dir,dir|file>",
    "directories of trained models or Parquet files of scores, with commas between them",
    directories,
  );
  addDataOptions(command, { required: true, use: "data set that the teachers were trained on" });
  addTrainingOptions(command);
  addSchemaOptions(command, distilSchema, flags);
  addJsonOption(command);
  return command.action(async (given: Options) => {
    const output = new Output(given.json ?? false);
    const options = schemaOptions({ ...given }, distilSchema, flags);
    await checkOut(given);
    const engine = await logEngine(output);
    await interruptible(async (signal) => {
      const data = await openData(given.data, output, { ...readOptions(given), signal });
      const teachers: Teacher[] = [];
      const adapting: KgeModel[] = [];
      const sources = [];
      for (const directory of given.teachers) {
        if (directory.endsWith(".parquet")) {
          const name = basename(directory, ".parquet");
          teachers.push(scoreTable(name, await readScores(directory)));
          sources.push({ name, model: "score table", dim: 0, sha256: await hashOf(directory) });
          continue;
        }
        const { model } = await openModel(directory, data, "The teacher");
        const name = basename(resolve(directory));
        teachers.push(modelTeacher(model, name));
        adapting.push(model);
        sources.push({
          name,
          model: model.config.model,
          dim: model.dim,
          sha256: await hashOf(join(directory, "model.safetensors")),
        });
      }
      const summary = { kind: "distil", options, teachers: sources };
      // A teacher that was trained anew is another one: a checkpoint made with the old one is not resumed.
      const identity = sources.map(({ sha256 }) => sha256).join();
      const start = (control: object) => distil(options, { data, teachers, adapting, identity, ...control });
      await trainAndSave({ name: options.model, options, data, engine, summary, start }, given, output, signal);
    });
  });
}

function directories(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new InvalidArgumentError("Give directories with commas between them.");
  return parts;
}

async function hashOf(file: string): Promise<string> {
  const bytes = await readFile(file);
  return createHash("sha256").update(bytes).digest("hex");
}
