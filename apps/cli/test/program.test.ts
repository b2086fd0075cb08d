import { readFileSync } from "node:fs";
import { distilSchema, optionEntries, trainSchema } from "@mulde/mulde-trainer";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { flags as distilFlags } from "../src/distil.js";
import { buildProgram } from "../src/program.js";
import { flags as trainFlags } from "../src/train.js";
import { callsIn, parsed } from "./_calls.js";
import { mulde } from "./_cli.js";

/** Every command that does something, with its words. */
function commands(command: Command = buildProgram(), words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(" "), command]];
  return command.commands.flatMap((inner) => commands(inner, [...words, inner.name()]));
}

const flagsOf = (command: Command): string[] => command.options.map((option) => option.long!);

test("the commands are those of the contract", () => {
  expect(commands().map(([name]) => name)).toEqual([
    "quickstart",
    "train",
    "distil",
    "options",
    "import",
    "run",
    "evaluate",
    "score",
    "predict",
    "datasets list",
    "datasets info",
    "datasets fetch",
    "info",
  ]);
});

test.each(commands())("%s has --help and --json", async (name, command) => {
  expect(flagsOf(command)).toContain("--json");
  const { code, stdout, stderr } = await mulde([...name.split(" "), "--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Usage: mulde ${name} `);
  for (const flag of flagsOf(command)) expect(stdout).toContain(flag);
});

test.each(["", "datasets", ...commands().map(([name]) => name)])(
  "the help of %j fits two screens of 80 x 24 and ends with an example that parses",
  async (name) => {
    const { stdout } = await mulde([...name.split(" ").filter((word) => word !== ""), "--help"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(48);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
    const examples = /\nExamples?:\n([^]*)$/.exec(stdout)?.[1];
    const calls = callsIn(examples!);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      await parsed(call);
      expect(call).toContain(`mulde ${name}`);
    }
  },
);

test.each([
  ["train", trainFlags, trainSchema],
  ["distil", distilFlags, distilSchema],
] as const)("%s has flags for options of its schema, with their defaults, and --set", (name, flags, schema) => {
  const command = buildProgram().commands.find((known) => known.name() === name)!;
  const entries = new Map([...optionEntries(schema)].map((entry) => [entry.name, entry]));
  for (const { flag, option } of flags) {
    const added = command.options.find(({ flags: written }) => written === flag);
    expect(added?.defaultValueDescription, flag).toBe(String(entries.get(option)!.default));
    // The schema gives the value, so that an option which was not given can be told from one that was.
    expect(added?.defaultValue).toBeUndefined();
  }
  expect(flagsOf(command)).toContain("--set");
});

const needed = ["train", "--data", "x", "--out", "y"] as const;

test.each([
  ["an unknown command", ["fly"], /unknown command 'fly'/],
  ["a mistyped command", ["trian"], /unknown command 'trian'; did you mean train\?/],
  ["a mistyped command of datasets", ["datasets", "lst"], /unknown command 'lst'; did you mean list\?/],
  ["an unknown flag", ["train", "--data", "x", "--out", "y", "--epoch", "3"], /unknown option '--epoch'.*--epochs/],
  ["a former flag", [...needed, "--head-negative"], /'--head-negative': write --set "rules=\[ownHead\]"/],
  [
    "a former flag with a value",
    [...needed, "--clip-norm=1"],
    /'--clip-norm': write --set "optimizer\.clipNorm=VALUE"/,
  ],
  ["a former flag that turns off", [...needed, "--no-biases"], /'--no-biases': write --set "model\.biases=false"/],
  ["a former flag of nearly its name", [...needed, "--clip-nrom", "1"], /write --set "optimizer\.clipNorm=VALUE"/],
  [
    "a noun as a flag",
    [...needed, "--schedule", "plateau"],
    /write --set "schedule=VALUE"; see mulde options schedule/,
  ],
  ["a dotted flag", [...needed, "--optimizer.clipNorm", "1"], /write --set "optimizer\.clipNorm=VALUE"/],
  ["a flag of distil", [...needed, "--top-k", "3"], /'--top-k': soft\.candidates\.k is an option of mulde distil/],
  [
    "a former rule",
    ["distil", "--teachers", "t", "--data", "x", "--out", "y", "--functional", "1.05"],
    /write --set "rules=\[\{ functional: 1\.05 \}\]"/,
  ],
  ["a former flag set", [...needed, "--set", "headNegative=true"], /--set headNegative: this option is called rules/],
  ["a mistyped option", [...needed, "--set", "optimizer.clipnorm=1"], /--set optimizer\.clipnorm: .*clipNorm\?/],
  ["an option without a value", [...needed, "--set", "optimizer.clipNorm"], /write --set NAME=VALUE/],
  ["a value that is no YAML", [...needed, "--set", "rules=[ownHead"], /--set rules: this is not YAML: .*]/],
  ["a value of another type", [...needed, "--set", "optimizer.clipNorm=x"], /--set optimizer\.clipNorm: .*number/],
  ["a wrong shorthand", [...needed, "--set", "loss=no"], /error: --set loss: Invalid option/],
  ["a wrong part of a noun", [...needed, "--set", "loss={ margin: 0 }"], /error: --set loss\.margin: Too small/],
  ["a part that another flag gave", [...needed, "--dim", "7", "--set", "model=RotH"], /error: --dim: must be even/],
  ["a part that nobody gave", [...needed, "--set", "model=QuatE", "--set", "seed=-1"], /error: --set seed: Too small/],
  ["a name of every object", [...needed, "--set", "toString=1"], /--set toString: there is no such option/],
  ["a missing option", ["train", "--data", "x"], /required option '--out <dir>' not specified/],
  ["a missing argument", ["evaluate", "--data", "x"], /missing required argument 'dir'/],
  ["an argument too many", ["info", "more"], /nothing takes the argument .more.; see mulde info --help/],
  [
    "an unknown model",
    ["train", "--data", "x", "--out", "y", "--model", "RotX"],
    /--model: There is no model "RotX".*Did you mean Rot/,
  ],
  [
    "no number",
    ["train", "--data", "x", "--out", "y", "--dim", "many"],
    /'--dim <n>' argument 'many' is invalid.*must be a number/,
  ],
  ["a fraction", ["train", "--data", "x", "--out", "y", "--dim", "1.5"], /--dim: must be a whole number/],
  ["a value out of range", ["train", "--data", "x", "--out", "y", "--epochs", "0"], /--epochs: Too small/],
  ["an odd dimension", ["train", "--data", "x", "--out", "y", "--dim", "7"], /--dim: must be even.*RotH/],
  [
    "a loss that an option does not go with",
    ["distil", "--teachers", "t", "--data", "x", "--out", "y", "--loss", "1vsAll", "--set", "soft.queries=1"],
    /--set soft\.queries: .* loss is 1vsAll; leave it out/,
  ],
  ["an unknown choice", ["evaluate", "x", "--data", "x", "--split", "dev"], /'--split <name>' argument 'dev'.*test/],
])("%s is bad usage: exit code 2 and one line", async (_, args, message) => {
  const plain = await mulde(args);
  expect(plain.code).toBe(2);
  expect(plain.stdout).toBe("");
  expect(plain.stderr).toMatch(message);
  expect(plain.stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("with --json bad usage is an object on stdout, too", async () => {
  const { code, stdout } = await mulde(["train", "--json"], {});
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "CLI_USAGE", message: expect.stringContaining("--data") as string },
  });
});

test("without a command the help is printed, as bad usage", async () => {
  const { code, stdout, stderr } = await mulde([], {});
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Usage: mulde [options] [command]");
});

test("--version prints the package's version", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect((await mulde(["--version"], {})).stdout).toBe(`${version}\n`);
});

test("errors have no stack unless MULDE_DEBUG is set", async () => {
  const args = ["evaluate", "./nothing", "--data", "Unknown"];
  expect((await mulde(args, {})).stderr).not.toContain("    at ");
  expect((await mulde(args, { env: { MULDE_DEBUG: "1" } })).stderr).toContain("    at ");
});
