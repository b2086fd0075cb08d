import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Dataset } from "@mulde/datasets";
import { type KgeModel, modelTeacher, openModel } from "@mulde/kge-models";
import { distil, distilSchema } from "@mulde/mulde-trainer";
import { scoreTable, type Teacher } from "@mulde/senior";
import { readScores } from "@mulde/senior/parquet";
import { InvalidArgumentError } from "commander";
import { MuldeCommand } from "./_command.js";
import { openData } from "./_data.js";
import { logEngine } from "./_engine.js";
import { UsageError } from "./_errors.js";
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
  readonly teachers: readonly string[];
  readonly data: string;
  readonly json?: boolean;
}

const juniorFlags = [
  { flag: "--junior <name>", option: "model.name", help: 'model; see "mulde options model.name"' },
  ...modelFlags,
];
const softFlags = [
  { flag: "--top-k <n>", option: "soft.candidates.k", help: "candidates of the soft label" },
  { flag: "--soft-weight <n>", option: "soft.weight", help: "lambda, weight of the soft label" },
  { flag: "--temperature <n>", option: "soft.temperature" },
];
/** The flags of `distil` for options. */
export const flags: readonly OptionFlag[] = [...juniorFlags, ...softFlags, ...trainingFlags];

/** `mulde distil`: a Junior from the facts and from saved teachers. */
export function distilCommand(): MuldeCommand {
  const command = new MuldeCommand("distil")
    .summary("distil a small Junior from trained teachers")
    .description("Distil a Junior from trained teachers (Wang et al., MulDE, 2021). The same command again resumes.")
    .optionsGroup("Data and files:")
    .requiredOption("--teachers <dir,dir|file>", "models, or Parquet files of scores", directories);
  addDataOptions(command, { use: "the teachers' data set" });
  addTrainingOptions(command);
  addOptionFlags(command.optionsGroup("Junior and training:"), flags);
  addSet(command, distilSchema);
  addImportOption(command.optionsGroup("Options:"));
  addJsonOption(command).examples(
    "mulde distil --teachers models/roth,models/refh --data wordnet31-small \\",
    '  --dim 16 --top-k 64 --set "rules=[ownHead]" --out models/junior',
  );
  return command.action(async (given: Options) => {
    const output = new Output(given.json ?? false);
    const written = assignments(flags, { ...given });
    const options = runOptions(distilSchema, written);
    await intoDirectory(given, async (signal) => {
      const engine = await logEngine(output);
      const data = await openData(given.data, output, { ...readOptions(given), signal });
      const { teachers, adapting, sources } = await openTeachers(given.teachers, data, signal);
      const summary = { kind: "distil", options, teachers: sources };
      // A teacher that was trained anew is another one: a checkpoint made with the old one is not resumed.
      const teachersIdentity = sources.map(({ sha256 }) => sha256).join();
      const training = { name: options.model.name, options, data, engine, summary };
      const start = (control: object) => {
        try {
          return distil(options, { data, teachers, adapting, teachersIdentity, ...control });
        } catch (error) {
          throw asWritten(error, written);
        }
      };
      await trainAndSave({ ...training, start }, given, output, signal);
    });
  });
}

/** Where a teacher comes from, as the Junior's config.json tells it. */
interface Source {
  readonly name: string;
  readonly model: string;
  readonly dim: number;
  readonly sha256: string;
}

interface Teachers {
  readonly teachers: readonly Teacher[];
  /** the models among them */
  readonly adapting: readonly KgeModel[];
  readonly sources: readonly Source[];
}

async function openTeachers(paths: readonly string[], data: Dataset, signal: AbortSignal): Promise<Teachers> {
  const teachers: Teacher[] = [];
  const adapting: KgeModel[] = [];
  const sources: Source[] = [];
  await refuseTwice(paths);
  const names = distinctNames(paths.map((path) => basename(resolve(path), ".parquet")));
  for (const [i, path] of paths.entries()) {
    signal.throwIfAborted();
    const name = names[i]!;
    if (path.endsWith(".parquet")) {
      teachers.push(scoreTable(name, await readScores(path)));
      sources.push({ name, model: "score table", dim: 0, sha256: await hashOf(path, signal) });
      continue;
    }
    const { model } = await openModel(path, { data, what: "The teacher" });
    teachers.push(modelTeacher(model, name));
    adapting.push(model);
    const sha256 = await hashOf(join(path, "model.safetensors"), signal);
    sources.push({ name, model: model.config.model, dim: model.dim, sha256 });
  }
  return { teachers, adapting, sources };
}

/** Refuses a teacher that is there twice, which would only count double. Paths that are not there stay for what opens them. */
async function refuseTwice(paths: readonly string[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const real = await realpath(path).catch(() => path);
    const first = seen.get(real);
    if (first !== undefined) {
      const same = first === path ? `"${path}" is there twice` : `"${path}" is the same as "${first}"`;
      throw new UsageError(`${same}; give each teacher once.`, "--teachers");
    }
    seen.set(real, path);
  }
}

/** The same names, numbered where they repeat: RotH, RotH-2. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let unique = name;
    // A number that no teacher has as its own name.
    for (let n = 2; used.has(unique) || (n > 2 && names.includes(unique)); n++) unique = `${name}-${n}`;
    used.add(unique);
    return unique;
  });
}

function directories(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.includes("")) throw new InvalidArgumentError("Give directories with commas between them.");
  return parts;
}

/** SHA-256 of a file, which may be larger than what fits into a buffer. */
async function hashOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
