import { readFileSync } from "node:fs";
import { loadDataset } from "@mulde/datasets";
import { distilSchema, trainSchema } from "@mulde/mulde-trainer";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "../src/program.js";
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

test.each([
  ["train", trainSchema],
  ["distil", distilSchema],
] as const)("%s has every option of its schema, with the schema's words", (name, schema) => {
  const [, command] = commands().find(([known]) => known === name)!;
  for (const [key, field] of Object.entries(schema.shape)) {
    const attribute = name === "distil" && key === "model" ? "junior" : key;
    const option = command.options.find((known) => known.attributeName() === attribute);
    expect(option, key).toBeDefined();
    expect(option!.description).toContain(field.description);
    expect(option!.long).toMatch(/^--[a-z]+(-[a-z]+)*$/);
  }
});

test("the README names every command and every option of each", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const [name, command] of commands()) {
    const section = new RegExp(`\n### \`mulde ${name}[^\n]*\n([^]*?)(\n##|$)`).exec(readme)?.[1];
    expect(section, name).toBeDefined();
    for (const flag of flagsOf(command)) expect(section, name).toContain(`\`${flag}`);
    for (const flag of section!.match(/--[a-z][a-z-]*/g) ?? []) expect(flagsOf(command), name).toContain(flag);
  }
});

test("the README's examples parse, and ask for names that the data set has", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const lines = [...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => block!.split("\n"));
  const calls = lines.filter((line) => line.startsWith("mulde "));
  expect(calls.length).toBeGreaterThan(5);
  const { entities, relations } = await loadDataset("wordnet31-small");
  for (const call of calls) {
    const [, name, ...args] = call.split(" ");
    const command = buildProgram().commands.find((known) => known.name() === name)!;
    await command.action(() => undefined).parseAsync(args, { from: "user" });
    const { head, tail, relation } = command.opts<Record<string, string>>();
    for (const entity of [head, tail]) if (entity !== undefined) expect(entities.has(entity), entity).toBe(true);
    if (relation !== undefined) expect(relations.has(relation), relation).toBe(true);
  }
});

test.each([
  ["an unknown command", ["fly"], /unknown command 'fly'/],
  ["a mistyped command", ["trian"], /unknown command 'trian' \(Did you mean train\?\)/],
  ["an unknown flag", ["train", "--data", "x", "--out", "y", "--epoch", "3"], /unknown option '--epoch'.*--epochs/],
  ["a missing option", ["train", "--data", "x"], /required option '--out <dir>' not specified/],
  ["a missing argument", ["evaluate", "--data", "x"], /missing required argument 'dir'/],
  ["an argument too many", ["info", "more"], /too many arguments/],
  [
    "an unknown model",
    ["train", "--data", "x", "--out", "y", "--model", "RotX"],
    /'--model <name>' argument 'RotX' is invalid.*RotH/,
  ],
  [
    "no number",
    ["train", "--data", "x", "--out", "y", "--dim", "many"],
    /'--dim <integer>' argument 'many' is invalid/,
  ],
  ["a fraction", ["train", "--data", "x", "--out", "y", "--dim", "1.5"], /'--dim <integer>' argument '1.5' is invalid/],
  [
    "a value out of range",
    ["train", "--data", "x", "--out", "y", "--epochs", "0"],
    /'--epochs <integer>' argument '0' is invalid/,
  ],
  ["an odd dimension", ["train", "--data", "x", "--out", "y", "--dim", "7"], /'--dim': dim: must be even, but is 7: RotH/],
  [
    "a loss that an option does not go with",
    ["distil", "--teachers", "t", "--data", "x", "--out", "y", "--loss", "1vsAll", "--unseen-queries", "1"],
    /'--unseen-queries': .* loss is 1vsAll; leave it out/,
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
  const { code, stdout } = await mulde(["train", "--json"]);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "CLI_USAGE", message: expect.stringContaining("--data") as string },
  });
});

test("without a command the help is printed, as bad usage", async () => {
  const { code, stdout, stderr } = await mulde([]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Usage: mulde [options] [command]");
});

test("--version prints the package's version", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect((await mulde(["--version"])).stdout).toBe(`${version}\n`);
});

test("errors have no stack unless MULDE_DEBUG is set", async () => {
  const args = ["evaluate", "./nothing", "--data", "Unknown"];
  expect((await mulde(args)).stderr).not.toContain("    at ");
  expect((await mulde(args, { env: { MULDE_DEBUG: "1" } })).stderr).toContain("    at ");
});
