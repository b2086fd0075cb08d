import { basename } from "node:path";
import { importModel, type ImportSource, modelNames, saveModel } from "@mulde/kge-models";
import { Command, Option } from "commander";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { addDataOptions, addJsonOption, readOptions } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { Output, paint, version } from "./_output.js";
import { size, whole } from "./_table.js";
import { checkOut, makeDirectory } from "./_training.js";

interface Options {
  readonly from: ImportSource;
  readonly model: string;
  readonly data: string;
  readonly columns: string;
  readonly delimiter?: string;
  readonly entities: string;
  readonly relations: string;
  readonly norm?: "1" | "2";
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const sources = ["kgemb", "libkge", "pykeen", "dglke"] as const satisfies readonly ImportSource[];

/** `mulde import`: a model that another library trained, as a model directory. */
export function importCommand(): Command {
  const command = new Command("import")
    .description("Make a model directory of a model that another library trained, to evaluate it or to distil it.")
    .argument("<file>", "its parameters, converted to safetensors")
    .addOption(new Option("--from <library>", "what trained it").choices(sources).makeOptionMandatory())
    .addOption(new Option("--model <name>", "scoring function").choices(modelNames()).makeOptionMandatory());
  addDataOptions(command, { required: true, use: "data set that it was trained on" })
    .requiredOption(
      "--entities <file>",
      "the library's entity file, which tells the order of its rows: names, or names and row numbers with a tab between them",
    )
    .requiredOption("--relations <file>", "likewise of the relations, without inverses")
    .addOption(
      new Option("--norm <number>", "of TransE's distance; the library's own default unless given").choices(["1", "2"]),
    )
    .requiredOption("--out <dir>", "directory of the imported model")
    .option("--force", "import even where the directory holds a model, which is replaced");
  return addJsonOption(command).action(async (file: string, given: Options) => {
    const output = new Output(given.json ?? false);
    const { from, model: name, norm, out } = given;
    await checkOut(given);
    await logEngine(output);
    const data = await interruptible((signal) => openData(given.data, output, { ...readOptions(given), signal }));
    const names = { entities: data.entities.names, relations: data.relations.names };
    const model = await importModel({
      from,
      file,
      model: name,
      ...names,
      entityOrder: given.entities,
      relationOrder: given.relations,
      ...(norm !== undefined && { norm: norm === "1" ? 1 : 2 }),
    });
    await makeDirectory(out);
    await saveModel(model, out, {
      ...names,
      dataset: { name: data.name, fingerprint: data.fingerprint },
      training: { kind: "import", from, file: basename(file), ...(norm !== undefined && { norm }), version },
    });
    const { dim, parameters, bytes } = model;
    output.result({ out, model: name, dim, parameters, bytes }, () => {
      const head = `${name} of ${from}, ${dim} dimensions, ${whole(parameters)} parameters (${size(bytes)})`;
      return `${paint(process.stdout).bold(head)}\nSaved in ${out}`;
    });
  });
}
