import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "./_yaml.js";
import * as trainer from "../src/index.js";
import { distilSchema, experimentSchema, parseExperiment, trainSchema } from "../src/index.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The rows of the table under a heading, each a list of cells. */
function tableUnder(heading: string): string[][] {
  const section = readme.slice(readme.indexOf(`\n${heading}\n`)).slice(1 + heading.length + 1);
  const lines = section.slice(section.indexOf("\n|") + 1).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) =>
    line
      .replaceAll("\\|", "\0")
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.replaceAll("\0", "|").trim()),
  );
}

interface Field {
  readonly description?: string | undefined;
  safeParse(value: unknown): { readonly success: boolean; readonly data?: unknown };
}

function rows(shape: Readonly<Record<string, Field>>): string[][] {
  return Object.entries(shape).map(([name, field]) => {
    const { success, data } = field.safeParse(undefined);
    return [`\`${name}\``, success ? `\`${JSON.stringify(data)}\`` : "required", field.description!];
  });
}

describe("the README", () => {
  it("lists every option of both kinds of training with its default", () => {
    expect(tableUnder("### Both")).toEqual(rows(trainSchema.shape));
    const own = Object.entries(distilSchema.shape).filter(([name]) => !(name in trainSchema.shape));
    expect(tableUnder("### `distil`")).toEqual(rows(Object.fromEntries(own)));
  });

  it("lists every field of an experiment, and shows one that is read", () => {
    expect(tableUnder("## Experiments")).toEqual(rows(experimentSchema.shape));
    const yaml = /```yaml\n([\s\S]+?)```/.exec(readme)![1]!;
    const { teachers, undistilled, junior } = parseExperiment(parse(yaml), "README.md");
    expect(teachers.map(({ name }) => name)).toEqual(["TransH", "DistH", "RotH", "RefH"]);
    expect(undistilled).toMatchObject({ dim: junior.dim, epochs: junior.epochs });
  });

  it("names every export", () => {
    for (const name of Object.keys(trainer)) expect(readme).toContain(`\`${name}`);
  });
});
