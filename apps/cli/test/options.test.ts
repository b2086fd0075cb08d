import { distilSchema, optionEntries, trainSchema } from "@mulde/mulde-trainer";
import { expect, test } from "vitest";
import type { OptionInfo } from "../src/options.js";
import { mulde, muldeJson } from "./_cli.js";

const { options } = await muldeJson<{ options: OptionInfo[] }>(["options"]);

test("options has every option of the schemas with its default and its meaning", () => {
  const entries = [...optionEntries(distilSchema)];
  expect(options.map(({ name }) => name)).toEqual(entries.map(({ name }) => name));
  for (const [i, entry] of entries.entries()) {
    expect(options[i]).toMatchObject({ default: entry.default, meaning: entry.description });
    expect(entry.description, entry.name).not.toBe("");
  }
});

test("options says which are distillation's alone, which have a flag, and what there is to choose from", () => {
  const training = [...optionEntries(trainSchema)].map(({ name }) => name);
  for (const { name, distilOnly } of options) expect(distilOnly, name).toBe(!training.includes(name));
  const byName = new Map(options.map((option) => [option.name, option]));
  expect(byName.get("soft.candidates.k")).toMatchObject({ flag: "--top-k", distilOnly: true });
  expect(byName.get("optimizer.name")).toMatchObject({ choices: ["adam", "adagrad"] });
  expect(byName.get("optimizer.clipNorm")).not.toHaveProperty("flag");
  expect(byName.get("model.name")!.choices).toContain("RotH");
});

test("the reference groups options by noun, in 80 columns", async () => {
  const { stdout } = await mulde(["options"]);
  for (const { name } of options) expect(stdout).toContain(`\n  ${name} `);
  for (const title of ["run", "model", "optimizer", "soft (distil only)", "senior (distil only)"]) {
    expect(`\n${stdout}`).toContain(`\n${title}\n`);
  }
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test.each([
  [
    "optimizer",
    ["name", "learningRate", "weightDecay", "clipNorm", "sparse", "averaging"].map((n) => `optimizer.${n}`),
  ],
  ["soft.candidates", ["source", "k", "refresh", "known"].map((name) => `soft.candidates.${name}`)],
  ["seed", ["seed"]],
  ["rules", ["rules"]],
])("options %s shows only these", async (prefix, names) => {
  const { options: shown } = await muldeJson<{ options: OptionInfo[] }>(["options", prefix]);
  expect(shown.map(({ name }) => name)).toEqual(names);
});

test.each([
  ["optimiser", /optimiser: there is no such option; did you mean optimizer/],
  ["optimizer.clipnorm", /optimizer\.clipnorm: there is no such option; did you mean optimizer\.clipNorm\?/],
  ["headNegative", /headNegative: this option is called rules: \[ownHead\] now\./],
  ["model.name.x", /model\.name\.x: there is no such option/],
])("options %s is bad usage that names the valid one", async (name, message) => {
  const { code, stderr } = await mulde(["options", name]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
