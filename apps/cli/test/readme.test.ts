import { readFileSync } from "node:fs";
import { loadDataset } from "@mulde/datasets";
import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment-file.js";
import { buildProgram } from "../src/program.js";
import { callsIn, parsed, wordsOf } from "./_calls.js";
import { mulde, temporary } from "./_cli.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const calls = [...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => callsIn(block!));

test("the README's table has every command, and no other", () => {
  const rows = [...readme.matchAll(/^\| `mulde ([a-z]+)`/gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(
    buildProgram()
      .commands.map((command) => command.name())
      .sort(),
  );
});

test("the README's commands ask for names that the data set has", async () => {
  const { entities, relations } = await loadDataset("wordnet31-small");
  const queries = (await Promise.all(calls.map(parsed))).filter(({ head, tail }) => head ?? tail);
  expect(queries.length).toBeGreaterThan(1);
  for (const { head, tail, relation } of queries) {
    for (const entity of [head, tail]) if (entity !== undefined) expect(entities.has(entity), entity).toBe(true);
    if (relation !== undefined) expect(relations.has(relation), relation).toBe(true);
  }
});

test("the README's session runs, in miniature", async () => {
  const session = calls.filter((call) => call !== "mulde quickstart");
  expect(session.length).toBeGreaterThan(4);
  const cwd = temporary();
  for (const call of session) {
    const [name, ...words] = wordsOf(call);
    const small = ["train", "distil"].includes(name!) ? ["--epochs", "1", "--negatives", "3"] : [];
    const { code, stderr, stdout } = await mulde([name!, ...words, ...small], { cwd });
    expect({ call, code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).not.toBe("");
  }
});

test("the README's experiment is one", () => {
  const [, text] = /```yaml\n([^]*?)```/.exec(readme)!;
  const { teachers, variants } = readExperiment(text!, "README.md");
  expect(teachers.map(({ name }) => name)).toEqual(["RotH", "other", "second", "older"]);
  expect(variants.map(({ name }) => name)).toEqual(["unscaled", "RotH-only"]);
});
