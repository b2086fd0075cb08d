import { existsSync, readFileSync } from "node:fs";
import { loadDataset } from "@mulde/datasets";
import type { Row } from "@mulde/mulde-trainer";
import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment-file.js";
import { comparison } from "../src/_rows.js";
import { nextCommands, quickstartFile } from "../src/quickstart.js";
import { buildProgram } from "../src/program.js";

const experiment = readExperiment(readFileSync(quickstartFile, "utf8"), quickstartFile);

test("the quickstart trains the four teachers of the paper and a Junior with and without them", () => {
  expect(experiment.data).toBe("wordnet31-small");
  expect(experiment.teachers.map(({ options }) => [options?.model.name, options?.model.dim])).toEqual([
    ["TransH", 64],
    ["DistH", 64],
    ["RotH", 64],
    ["RefH", 64],
  ]);
  expect(experiment.junior).toMatchObject({ model: { name: "RotH", dim: 16 } });
  expect(experiment.undistilled).toMatchObject({ model: { name: "RotH", dim: 16 } });
});

test("the undistilled Junior has the budget of the distilled one", () => {
  const { undistilled, junior } = experiment;
  for (const key of ["epochs", "batchSize", "negatives", "optimizer", "seed"] as const) {
    expect(undistilled![key], key).toEqual(junior[key]);
  }
});

test("the package holds the quickstart's experiment", () => {
  const root = new URL("../", import.meta.url);
  const { files } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { files: string[] };
  expect(files).toContain("experiments");
  expect(existsSync(quickstartFile)).toBe(true);
});

test("the commands that it suggests parse, ask for names that the data set has, and fit 80 columns", async () => {
  const commands = nextCommands("npx mulde", "runs/quickstart", "wordnet31-small");
  expect(commands).toHaveLength(2);
  const data = await loadDataset("wordnet31-small");
  for (const text of commands) {
    for (const line of text.split("\n")) expect(line.length + 2, line).toBeLessThanOrEqual(80);
    const [npx, bin, name, ...args] = text.replaceAll(/ \\\n */g, " ").split(" ");
    expect([npx, bin]).toEqual(["npx", "mulde"]);
    const command = buildProgram().commands.find((known) => known.name() === name)!;
    let given: Record<string, string> = {};
    command.action((_directory: string, options: Record<string, string>) => {
      given = options;
    });
    await command.parseAsync(args, { from: "user" });
    expect(given.data).toBe("wordnet31-small");
    if (given.tail !== undefined) expect(data.entities.has(given.tail)).toBe(true);
    if (given.relation !== undefined) expect(data.relations.has(given.relation)).toBe(true);
  }
});

test("the closing sentence says honestly which of the two is better", () => {
  const row = (role: Row["role"], mrr: number): Row => ({
    ...{ role, name: role, model: "RotH", dim: 16, parameters: 10, bytes: 40, mrr, mr: 2, hits: {} },
    ...{ headMrr: mrr, tailMrr: mrr, epochs: 1, seed: 0, seconds: 1 },
  });
  const rows = (distilled: number): Row[] => [
    row("teacher", 0.5),
    row("undistilled", 0.4),
    row("distilled", distilled),
  ];
  const said = (distilled: number): string => comparison(rows(distilled))!.replaceAll("\n", " ");
  expect(said(0.44)).toContain("MRR 0.440, 10.0 % above the undistilled one's 0.400");
  expect(said(0.44)).toContain("88 % of the best teacher's");
  expect(said(0.36)).toContain("10.0 % below the undistilled one's 0.400 (here distillation did not help)");
  for (const line of comparison(rows(0.44))!.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(comparison([row("teacher", 0.5)])).toBeUndefined();
  // A variant's twin is no twin of the Junior's.
  const other = { ...row("undistilled", 0.1), name: "small-undistilled" };
  expect(comparison([row("teacher", 0.5), row("distilled", 0.4), other])).toBeUndefined();
});
