import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadDataset } from "@mulde/datasets";
import type { Row } from "@mulde/mulde-trainer";
import { expect, test } from "vitest";
import { readExperiment } from "../src/_experiment-file.js";
import { comparison } from "../src/_rows.js";
import { nextCommands, quickstartFile } from "../src/quickstart.js";
import { buildProgram } from "../src/program.js";
import { mulde, muldeJson, temporary } from "./_cli.js";

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

test("the quickstart shows the results of a directory that is done, and what to do next, in 80 columns", async () => {
  const out = join(temporary(), "quickstart");
  const { name, fingerprint } = await loadDataset("wordnet31-small");
  const names = ["TransH", "DistH", "RotH", "RefH", "undistilled", "distilled"];
  const rows = [...names, "senior"].map((model): Row => {
    const role = names.indexOf(model) < 4 && model !== "senior" ? "teacher" : (model as Row["role"]);
    return {
      ...{ role, name: model, model: "RotH", dim: 64, parameters: 400_000, bytes: 1_600_000, mrr: 0.3, mr: 99 },
      ...{
        hits: { 1: 0.2, 3: 0.3, 10: 0.4 },
        headMrr: 0.3,
        tailMrr: 0.3,
        epochs: 20,
        seed: 0,
        seconds: model === "senior" ? 0 : 12.3,
      },
    };
  });
  for (const model of names) {
    mkdirSync(join(out, model), { recursive: true });
    writeFileSync(join(out, model, "config.json"), "{}");
  }
  copyFileSync(quickstartFile, join(out, "experiment.yaml"));
  const report = { experiment, dataset: { name, fingerprint }, kernels: "wasm", version: "0.0.0", rows };
  writeFileSync(join(out, "report.json"), JSON.stringify(report));
  const { code, stdout, stderr } = await mulde(["quickstart", "--out", out]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("done already") as string });
  expect(stdout).toMatch(/^role +model .*\nteacher +/);
  expect(stdout).toContain("wordnet31-small, test split, filtered; 1 min 14 s of training.");
  expect(stdout).toMatch(/\nNext:\n {2}.* predict .*\\\n.*--tail clothing\.n\.01/);
  const lines = stdout.replaceAll(out, "runs/quickstart").split("\n");
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  expect((await muldeJson<{ rows: Row[] }>(["quickstart", "--out", out])).rows).toEqual(rows);
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
