import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as trainer from "../src/index.js";
import { distilSchema, expanded, optionEntries, parseExperiment, stageNames } from "../src/index.js";
import { parse } from "./_yaml.js";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const readme = read("../README.md");
const reference = read("../../../docs/options.md");

describe("the README", () => {
  it("fits on a page", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(120);
  });

  it("names every export", () => {
    for (const name of Object.keys(trainer)) expect(readme).toContain(`\`${name}`);
  });

  it("names every code of the trainer's errors", () => {
    const folder = new URL("../src/", import.meta.url);
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const codes = new Set(
      sources.flatMap((name) => [...read(`../src/${name}`).matchAll(/"TRAINER_([A-Z_]+)"/g)].map(([, code]) => code!)),
    );
    expect(codes.size).toBeGreaterThan(8);
    const row = readme.split("\n").find((line) => line.includes("`MuldeError`"))!;
    for (const code of codes) expect(row).toContain(code);
  });
});

describe("the reference of options", () => {
  it("has a row for every option and no other, with its default", () => {
    const rows = [...reference.matchAll(/^\| `([\w.]+)` +\| `([^`]+)` +\| [^|`]+\| [^|]+\|$/gm)];
    const listed = rows.map(([, name, value]) => [name, JSON.parse(value!) as unknown]);
    expect(new Map(listed as [string, unknown][])).toEqual(
      new Map([...optionEntries(distilSchema)].map((entry) => [entry.name, entry.default])),
    );
  });

  it("tells what a noun written short means", () => {
    const rows = [...reference.matchAll(/^\| `([\w.]+): (NAME|NUMBER)` +\| `([\w.]+)` +\|$/gm)];
    expect(rows).toHaveLength(8);
    for (const [, noun, kind, long] of rows) {
      const value = kind === "NAME" ? "x" : 3;
      const at = (name: string): unknown =>
        name.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
      expect(expanded(at(noun!))).toEqual(at(long!));
    }
  });

  it("shows an experiment that is read", () => {
    const yaml = /```yaml\n([\s\S]+?)```/.exec(reference)![1]!;
    const experiment = parseExperiment(parse(yaml), "docs/options.md");
    expect(stageNames(experiment)).toEqual(["TransH", "second", "RefH", "undistilled", "distilled", "no-scaling"]);
    expect(experiment.teachers[2]).toEqual({ name: "RefH", from: "runs/earlier/RefH" });
    expect(experiment.juniorTeachers).toEqual([0, 1]);
    expect(experiment.junior).toMatchObject({ epochs: 60, model: { dim: 16 }, soft: { candidates: { k: 64 } } });
    expect(experiment.variants[0]!.options.senior.scaling).toBe("none");
  });
});
