import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as prettier from "prettier";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tables } from "../research/bench/table.js";
import { cases, epochs, steps, threaded } from "../research/bench/targets.js";
import { read as readOptions, written } from "../research/bench/training.js";
import { figures } from "../research/results/figures.js";
import { filled } from "../research/results/tables.js";
import { writeGraph } from "../research/bench/scale-graph.js";
import { experiments } from "../scripts/_experiments.js";
import { read, root } from "./_workspace.js";

// The scripts of the bench and of the results, each in miniature: what they print and write is checked, their figures mean nothing.

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of the repository to its end. */
function node(script: string, args: readonly string[] = [], cwd = root): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, script), ...args],
      // No peer and no archives: the same work on every machine.
      { cwd, maxBuffer: 1 << 26, env: { ...process.env, MULDE_DATASETS_MIRROR: join(root, "nothing") } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

type Line = Readonly<Record<string, string | number | null>>;

/** The lines of a run that must succeed: the machine's, and one for each figure. */
function jsonLines({ code, stdout, stderr }: Ended): { machine: Line; lines: Line[] } {
  expect(code, stderr).toBe(0);
  const [first, ...lines] = stdout.trimEnd().split("\n");
  return {
    machine: (JSON.parse(first!) as { machine: Line }).machine,
    lines: lines.map((line) => JSON.parse(line) as Line),
  };
}

/** The rows of a tab-separated file, by the names of its columns. */
function tsv(path: string): Record<string, string>[] {
  const [head = "", ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const columns = head.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((cell, i) => [columns[i]!, cell])));
}

async function pretty(path: string, text: string): Promise<string> {
  const file = join(root, path);
  return prettier.format(text, { ...(await prettier.resolveConfig(file)), filepath: file });
}

const temporary = mkdtempSync(join(tmpdir(), "mulde-research-"));
afterAll(() => {
  rmSync(temporary, { recursive: true });
});

describe("the bench", () => {
  it("names every option that it depends on", () => {
    expect(readOptions).toEqual(written);
  });

  it("measures every case on every engine", { timeout: 300_000 }, async () => {
    const { machine, lines } = jsonLines(await node("research/bench/bench.js", ["--mini", "--json"]));
    expect(machine.torch).toBe(null);
    expect(machine.peak_gflops).toBeGreaterThan(0);
    const engines = machine.engine === "native" ? ["native", "wasm"] : ["wasm"];
    const on = (section: string, names: readonly string[], some = engines) =>
      names.flatMap((name) => some.map((engine) => `${section} ${name} ${engine}`));
    const expected = [
      ...on("steps", steps),
      ...on("threads", threaded),
      ...on("epochs", epochs, engines.slice(0, 1)),
      ...on("peak", ["products", "onevsall"]),
    ];
    expect(lines.map((line) => [line.section, line.case, line.engine].join(" ")).sort()).toEqual(expected.sort());
    const measured = { steps: "median_ms", threads: "speedup", epochs: "seconds", peak: "gflops" };
    for (const line of lines) {
      expect(line[measured[line.section as keyof typeof measured]], JSON.stringify(line)).toBeGreaterThanOrEqual(0);
      expect(line).toMatchObject({ data: "mini", target: null });
    }
    const rows = tables(lines).match(/^\| \w.* \| mini \|/gm) ?? [];
    expect(rows).toHaveLength(lines.length);
  });

  it.each([
    [["--reps", "0"], '--reps "0" is not a whole number from 1 to 999999.'],
    [["--case", "pretain"], `--case "pretain" is none of ${cases.join(", ")}.`],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await node("research/bench/bench.js", args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `bench: ${message}\n` });
  });

  it("measures how step time and memory grow, and draws them", { timeout: 120_000 }, async () => {
    const plot = join(temporary, "scale.svg");
    const args = ["--mini", "--json", "--plot", plot];
    const { machine, lines } = jsonLines(await node("research/bench/scale.js", args));
    expect(machine.isa).toBeTruthy();
    expect(lines.map(({ entities, triples }) => [entities, triples])).toEqual([
      [1000, 6000],
      [2000, 10000],
    ]);
    for (const line of lines) {
      expect(line.ranks).toBe(2000);
      for (const name of ["step_ms", "load_s", "prepare_s", "filter_s", "rank_s", "max_rss_mb"]) {
        expect(line[name], name).toBeGreaterThan(0);
      }
    }
    const svg = readFileSync(plot, "utf8");
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg".*<\/svg>\n$/s);
    expect(svg.match(/<circle/g)).toHaveLength(2 * lines.length);
  });
});

describe("the ledger", () => {
  const ledger = join(temporary, "ledger.tsv");
  const record = (...args: string[]) =>
    node("research/results/record.js", ["--to", ".", "--experiment", "mini", ...args], temporary);

  beforeAll(async () => {
    mkdirSync(join(temporary, "graph"));
    await writeGraph(join(temporary, "graph"), { entities: 60, triples: 400, held: 20 });
    const experiment = [
      "name: mini",
      "data: graph",
      "defaults: { epochs: 1, model: { dim: 8 } }",
      "teachers: [{ model: { name: TransE } }, { model: { name: DistMult } }]",
      "junior: { model: { name: RotE }, soft: { candidates: { k: 8 } } }",
    ];
    writeFileSync(join(temporary, "mini.yaml"), `${experiment.join("\n")}\n`);
  });

  it("gets a line for each model of a run, once", { timeout: 120_000 }, async () => {
    const run = ["--", "run", "mini.yaml", "--out", "runs/mini"];
    const { code, stderr } = await record("--note", "In miniature.", ...run);
    expect(code, stderr).toBe(0);
    const lines = tsv(ledger);
    expect(lines.map(({ role, model }) => `${role} ${model}`).sort()).toEqual([
      "distilled RotE",
      expect.stringMatching(/^senior /),
      "teacher DistMult",
      "teacher TransE",
      "undistilled RotE",
    ]);
    for (const line of lines) {
      expect(line).toMatchObject({ experiment: "mini", data: "graph", command: "mulde run mini.yaml --out runs/mini" });
      expect(line.commit).toMatch(/^[0-9a-f]{7,}$/);
      expect(line.note).toContain("In miniature.");
      for (const name of ["mrr", "hits1", "hits3", "hits10", "head_mrr", "tail_mrr"]) {
        expect(Number(line[name]), name).toBeGreaterThanOrEqual(0);
        expect(Number(line[name]), name).toBeLessThanOrEqual(1);
      }
    }
    const curves = tsv(join(temporary, "curves.tsv"));
    expect(curves.map(({ name }) => name).sort()).toEqual(["DistMult", "TransE", "distilled", "undistilled"]);
    expect(curves.find(({ name }) => name === "distilled")!.attention).toMatch(/^0\.\d{3} 0\.\d{3}$/);
    // Two teachers, and 20 relations in both directions.
    const scales = tsv(join(temporary, "scales.tsv"));
    expect(scales).toHaveLength(2 * 40);
    for (const { scale } of scales) expect(Number(scale)).toBeGreaterThan(0);

    expect((await record(...run)).code).toBe(0);
    expect(tsv(ledger)).toHaveLength(lines.length);
  });

  it("gets the line of a model trained or distilled alone", { timeout: 60_000 }, async () => {
    const shape = ["--dim", "8", "--epochs", "1", "--data", "graph"];
    for (const [role, model, ...command] of [
      ["baseline", "ComplEx", "train", "--model", "ComplEx", "--out", "runs/alone"],
      [
        "distilled",
        "RotE",
        "distil",
        "--teachers",
        "runs/alone,runs/mini/TransE",
        "--junior",
        "RotE",
        "--out",
        "runs/two",
      ],
    ]) {
      const { code, stderr } = await record("--role", role!, "--", ...command, ...shape);
      expect(code, stderr).toBe(0);
      const line = tsv(ledger).at(-1)!;
      expect(line).toMatchObject({
        experiment: "mini",
        data: "graph",
        role,
        model,
        dimension: "8",
        seed: "0",
        epochs: "1",
      });
      expect(line.note).toMatch(/^validation MRR 0\.\d{4} in epoch 1, Hits@10 0\.\d{4}\./);
    }
  });

  it("gets the line of a run that failed", { timeout: 60_000 }, async () => {
    const { code } = await record("--", "train", "--model", "TransE", "--data", "nowhere", "--out", "runs/failed");
    expect(code).toBe(1);
    const line = tsv(ledger).at(-1)!;
    expect(line).toMatchObject({ model: "TransE", data: "nowhere", mrr: "" });
    expect(line.note).toMatch(/^failed with exit code 1\./);
  });

  it("gets what a rule about wrong answers changes in a ranking", { timeout: 60_000 }, async () => {
    const args = ["--to", ".", "--data", "graph", "runs/mini/distilled"];
    const { code, stdout, stderr } = await node("research/results/rules.js", args, temporary);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^answers in question that are taken: \d+ of \d+ that could be$/m);
    const line = tsv(ledger).at(-1)!;
    expect(line).toMatchObject({ experiment: "rules", model: "RotE", dimension: "8" });
    expect(line.note).toMatch(/plain MRR 0\.\d{4}.*; taken MRR 0\.\d{4}.*; heads MRR 0\.\d{4}/);
  });

  it("takes no command with a path of this machine", async () => {
    const outside = join(tmpdir(), "b");
    for (const [script, ...args] of [
      ["record", "--experiment", "none", "--", "distil", "--teachers", `a,${outside}`],
      ["rules", "--data", "graph", outside],
    ]) {
      const { code, stderr } = await node(`research/results/${script}.js`, ["--to", ".", ...args], temporary);
      expect(code).toBe(1);
      expect(stderr).toContain(`give ${outside} relative to the repository`);
    }
  });
});

describe("the pages", () => {
  it("RESULTS.md holds the tables that the ledger gives", async () => {
    const text = read("RESULTS.md");
    expect(await pretty("RESULTS.md", filled(text))).toBe(text);
    // And would show another figure.
    const wrong = text.replace(/\| \.\d{4} \|/, "| .9999 |");
    expect(wrong).toContain("| .9999 |");
    expect(filled(wrong)).not.toContain("| .9999 |");
    expect(() => filled(text.replace("<!-- best -->", ""))).toThrow("no place for best");
  });

  it("the figures are those that the ledger gives", () => {
    const drawn = figures();
    expect(Object.keys(drawn)).toHaveLength(4);
    for (const [name, text] of Object.entries(drawn)) {
      // Compared as a whole: a difference of two drawings is too long to print.
      expect(text === read(`research/results/figures/${name}`), `${name}: run node research/results/figures.js`).toBe(
        true,
      );
    }
  });

  it(
    "matrix.md has the combinations that work, and the errors of those that do not",
    { timeout: 120_000 },
    async () => {
      const { code, stdout, stderr } = await node("research/results/matrix.js", ["--mini"]);
      expect(code, stderr).toBe(0);
      // Figures of another graph: alike but for their digits.
      const alike = (text: string) => text.replaceAll(/(?<= )\.\d{3}(?= )/g, ".000").replaceAll(/ +\|/g, " |");
      const page = read("research/results/matrix.md");
      expect(alike(page).match(/ \.000 /g)!.length).toBeGreaterThan(150);
      expect(alike(await pretty("research/results/matrix.md", stdout))).toBe(alike(page));
    },
  );

  it("docs/options.md is what its script writes", async () => {
    const { code, stdout, stderr } = await node("packages/mulde-trainer/scripts/options-reference.js", ["--stdout"]);
    expect(code, stderr).toBe(0);
    const path = "docs/options.md";
    expect(await pretty(path, stdout)).toBe(read(path));
  });
});

describe("the experiments", () => {
  const all = experiments(root);

  it("have each its own name", () => {
    expect(all.length).toBeGreaterThan(10);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it("take their teachers from runs in the root, of experiments that train them", () => {
    const taken = all.flatMap(({ file }) =>
      [...read(file).matchAll(/from: ([^\s,}]+)/g)].map(([, path]) => ({ file, path: join(file, "..", path!) })),
    );
    expect(taken.length).toBeGreaterThan(10);
    const wrong = taken.filter(({ path }) => {
      const [runs, experiment, teacher, ...rest] = path.split(/[\\/]/);
      const source = all.find(({ name }) => name === experiment);
      const trains = source && new RegExp(`(name|model): ${teacher!}\\b`).test(read(source.file));
      return runs !== "runs" || rest.length > 0 || !trains;
    });
    expect(wrong).toEqual([]);
  });
});
