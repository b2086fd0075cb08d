import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment-file.js";
import { presetFile, presetNames } from "../src/_presets.js";
import { mulde } from "./_cli.js";

const experiments = fileURLToPath(new URL("../../../research/experiments/", import.meta.url));
const files = readdirSync(experiments).filter((file) => file.endsWith(".yaml"));

test.each(presetNames())("the preset %s is an experiment of that name", (name) => {
  expect(readExperiment(readFileSync(presetFile(name), "utf8"), presetFile(name)).name).toBe(name);
});

test.each(files)("research/experiments/%s is an experiment of that name", (file) => {
  expect(`${readExperiment(readFileSync(experiments + file, "utf8"), file).name}.yaml`).toBe(file);
});

test("the help of run lists the presets", async () => {
  const { stdout } = await mulde(["run", "--help"]);
  const help = stdout.replace(/\s+/g, " ");
  for (const name of presetNames()) expect(help).toMatch(new RegExp(`\\(.*\\b${name}\\b.*\\)`));
});

test.each([["neither a file nor a preset"], ["both", "some.yaml", "--preset", "quickstart"]])(
  "%s is wrong usage",
  async (_what, ...args) => {
    const { code, stderr } = await mulde(["run", ...args, "--out", "x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Give either the file of an experiment or --preset");
  },
);
