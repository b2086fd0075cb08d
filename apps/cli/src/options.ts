import { closest } from "@mulde/errors";
import { modelNames } from "@mulde/kge-models";
import { distilSchema, formerOptions, optionEntries, type OptionEntry, trainSchema } from "@mulde/mulde-trainer";
import { z } from "zod";
import { MuldeCommand } from "./_command.js";
import { UsageError } from "./_errors.js";
import { addJsonOption } from "./_flags.js";
import { Output } from "./_output.js";
import { paint } from "./_paint.js";
import { wrapped } from "./_text.js";
import { flags as distilFlags } from "./distil.js";
import { flags as trainFlags } from "./train.js";

/** An option as the reference tells it. */
export interface OptionInfo {
  /** dotted, such as "model.dim" */
  readonly name: string;
  /** the flag of `train` and `distil`, where it has one */
  readonly flag?: string;
  readonly default: unknown;
  readonly meaning: string;
  readonly choices?: readonly string[];
  readonly distilOnly: boolean;
}

/** `mulde options`: the reference of everything that `--set` and an experiment's sections take. */
export function optionsCommand(): MuldeCommand {
  const command = new MuldeCommand("options")
    .summary("the reference of all options of training")
    .description(
      "Describe the options of train and distil: what --set takes, and what the sections of an experiment hold.",
    )
    .argument("[name]", "only this option, or the options of this noun");
  addJsonOption(command).examples("mulde options", "mulde options optimizer", "mulde options soft.candidates.k --json");
  return command.action((name: string | undefined, { json }: { json?: boolean }) => {
    const options = optionInfos().filter((option) => name === undefined || isWithin(option.name, name));
    if (name !== undefined && options.length === 0) throw unknown(name);
    new Output(json ?? false).result({ options }, () => reference(options));
  });
}

/** All options, those of distillation included. */
function optionInfos(): readonly OptionInfo[] {
  const training = new Set([...optionEntries(trainSchema)].map(({ name }) => name));
  const flags = new Map([...distilFlags, ...trainFlags].map(({ flag, option }) => [option, flag.split(" ")[0]!]));
  return [...optionEntries(distilSchema)].map((entry) => {
    const { name, description, default: value } = entry;
    const flag = flags.get(name);
    const choices = choicesOf(entry);
    return {
      name,
      ...(flag !== undefined && { flag }),
      default: value,
      meaning: description,
      ...(choices && { choices }),
      distilOnly: !training.has(name),
    };
  });
}

function choicesOf({ name, schema }: OptionEntry): readonly string[] | undefined {
  if (name === "model.name") return modelNames();
  const { enum: values } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return values?.map(String);
}

function isWithin(name: string, prefix: string): boolean {
  return name === prefix || name.startsWith(`${prefix}.`);
}

/** Names what may be meant: what a former option is called now, an option with this last word, or a name like it. */
function unknown(name: string): UsageError {
  const former = Object.hasOwn(formerOptions, name) ? formerOptions[name] : undefined;
  if (former !== undefined) return new UsageError(`this option is called ${former} now.`, name);
  const names = optionInfos().map((option) => option.name);
  const nouns = names.flatMap((option) => {
    const words = option.split(".");
    return words.map((_, depth) => words.slice(0, depth + 1).join("."));
  });
  const near = names.find((option) => option.endsWith(`.${name}`)) ?? closest(name, new Set(nouns));
  const advice = near === undefined ? "see mulde options." : `did you mean ${near}?`;
  return new UsageError(`there is no such option; ${advice}`, name);
}

// Two columns of their own, then the text: 2 + 24 + 2 + 10 + 2 + 40.
const nameWidth = 24;
const valueWidth = 10;
const textWidth = 40;

function reference(options: readonly OptionInfo[]): string {
  const { bold, dim } = paint(process.stdout);
  const nouns = new Map<string, OptionInfo[]>();
  for (const option of options) {
    const noun = option.name.includes(".") ? option.name.split(".")[0]! : "run";
    nouns.set(noun, [...(nouns.get(noun) ?? []), option]);
  }
  const groups = [...nouns].map(([noun, entries]) => {
    const title = entries.every(({ distilOnly }) => distilOnly) ? `${bold(noun)} ${dim("(distil only)")}` : bold(noun);
    return [title, ...entries.map(row)].join("\n");
  });
  return [...groups, usage].join("\n\n");
}

const usage = wrapped(
  "Give them to train and distil by their flag, or as --set NAME=VALUE with a value in YAML; --set wins. In an " +
    "experiment's file they are nested: optimizer: { clipNorm: 1 }. A noun may be written short: loss: 1vsAll is " +
    "loss.name, negatives: 63 is negatives.count.",
);

function row({ name, flag, default: value, meaning, choices, distilOnly }: OptionInfo): string {
  const notes = [
    ...(flag === undefined ? [] : [`flag ${flag}`]),
    ...(distilOnly && !name.includes(".") ? ["distil only"] : []),
  ];
  const listed = choices && !choices.every((choice) => meaning.includes(choice));
  const text = [meaning, ...(listed ? [`one of ${choices.join(", ")}`] : []), ...notes];
  const [first, ...rest] = text.flatMap((part) => wrapped(part, textWidth).split("\n"));
  const shown = typeof value === "number" ? String(Number(value.toPrecision(5))) : plain(value);
  const indent = " ".repeat(2 + nameWidth + 2 + valueWidth + 2);
  return [
    `  ${name.padEnd(nameWidth)}  ${shown.padEnd(valueWidth)}  ${first!}`,
    ...rest.map((line) => indent + line),
  ].join("\n");
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
