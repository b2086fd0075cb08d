import { basename } from "node:path";
import { importModel, type ImportSource, modelDefinition, saveModel } from "@mulde/kge-models";
import { Option } from "commander";
import { MuldeCommand } from "./_command.js";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { hasCode, UsageError } from "./_errors.js";
import { addDataOptions, addJsonOption, pathFrom, readOptions, type ReadFlags } from "./_flags.js";
import { addImportOption } from "./_modules.js";
import { Output, version } from "./_output.js";
import { paint } from "./_paint.js";
import { size, whole } from "./_table.js";
import { intoDirectory } from "./_training.js";

interface Options extends ReadFlags {
  readonly from: ImportSource;
  readonly model: string;
  readonly data: string;
  readonly entities: string;
  readonly relations: string;
  readonly norm?: "1" | "2";
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const sources = ["kgemb", "libkge", "pykeen", "dglke"] as const satisfies readonly ImportSource[];

/** `mulde import`: a model that another library trained, as a model directory. */
export function importCommand(): MuldeCommand {
  const command = new MuldeCommand("import")
    .summary("take over a model that another library trained")
    .description("Make a model directory of a model that another library trained, to evaluate it or to distil it.")
    .argument("<file>", "its parameters, converted to safetensors")
    .addOption(new Option("--from <library>", "what trained it").choices(sources).makeOptionMandatory())
    .requiredOption("--model <name>", "our name of the scoring function");
  addDataOptions(command, { use: "data set that it was trained on" })
    .requiredOption("--entities <file>", "the library's entity file: the order of its rows")
    .requiredOption("--relations <file>", "the library's relation file, without inverses")
    .addOption(new Option("--norm <number>", "norm of TransE's distance, if it is not the default").choices(["1", "2"]))
    .requiredOption("--out <dir>", "directory of the imported model", pathFrom)
    .option("--force", "replace a model that is there");
  addImportOption(command);
  addJsonOption(command).examples(
    "mulde import roth.safetensors --from kgemb --model RotH --data WN18RR \\",
    "  --entities entities.txt --relations relations.txt --out models/kgemb",
  );
  return command.action(async (file: string, given: Options) => {
    const output = new Output(given.json ?? false);
    const { from, model: name, norm, out } = given;
    checkModelName(name);
    const model = await intoDirectory(given, async (signal) => {
      await logEngine(output);
      const data = await openData(given.data, output, { ...readOptions(given), signal });
      const names = { entities: data.entities.names, relations: data.relations.names };
      const imported = await importModel({
        from,
        file,
        model: name,
        ...names,
        entityOrder: given.entities,
        relationOrder: given.relations,
        ...(norm !== undefined && { norm: norm === "1" ? 1 : 2 }),
      });
      signal.throwIfAborted();
      await saveModel(imported, out, {
        ...names,
        dataset: { name: data.name, fingerprint: data.fingerprint },
        training: { kind: "import", from, file: basename(file), ...(norm !== undefined && { norm }), version },
      });
      return imported;
    });
    const { dim, parameters, bytes } = model;
    output.result({ out, model: name, dim, parameters, bytes }, () => {
      const head = `${name} of ${from}, ${dim} dimensions, ${whole(parameters)} parameters (${size(bytes)})`;
      return `${paint(process.stdout).bold(head)}\nSaved in ${out}`;
    });
  });
}

function checkModelName(name: string): void {
  try {
    modelDefinition(name);
  } catch (error) {
    if (!hasCode(error, "MODELS_UNKNOWN_MODEL")) throw error;
    throw new UsageError(error.reason, "--model", error);
  }
}
