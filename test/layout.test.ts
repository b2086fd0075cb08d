import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cycles, importedFiles, importsOf } from "./_imports.js";
import { committedFiles } from "./_tree.js";
import { root, workspace } from "./_workspace.js";

const files = committedFiles();
const modules = files.filter((path) => /\.(ts|js|mjs|cjs|cc|h)$/.test(path));

function below(...folders: RegExp[]): string[] {
  return modules.filter((path) => folders.some((folder) => folder.test(path)));
}

it("no file is a symbolic link", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((path) => lstatSync(join(root, path)).isSymbolicLink())).toEqual([]);
});

it("no module is over 350 lines", () => {
  const looked = below(/^(packages|apps)\/[^/]+\/(src|bin|scripts|native)\//, /^scripts\//, /^research\//);
  expect(looked.length).toBeGreaterThan(100);
  const long = looked
    .map((path) => ({ path, lines: readFileSync(join(root, path), "utf8").trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 350)
    .sort((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  expect(long).toEqual([]);
});

describe("cycles", () => {
  it("are found, each once and as short as they are", () => {
    const graph: Record<string, string[]> = { a: ["b", "c"], b: ["c"], c: ["d"], d: ["b"], e: ["e"], f: ["a"] };
    expect(cycles(Object.keys(graph), (node) => graph[node] ?? [])).toEqual(["b -> c -> d -> b", "e -> e"]);
  });

  it("are not among the modules of any package, imports of types included", () => {
    const looked = below(/^(packages|apps)\/[^/]+\/(src|bin|scripts|native)\//);
    const graph = new Map(looked.map((path) => [path, importedFiles(path)]));
    expect([...graph.values()].flat().length).toBeGreaterThan(200);
    expect(cycles(looked, (path) => graph.get(path) ?? [])).toEqual([]);
  });

  it("are not among the modules of the repository", () => {
    const looked = below(/^(scripts|research|test|examples)\//);
    const graph = new Map(looked.map((path) => [path, importedFiles(path)]));
    expect([...graph.values()].flat().length).toBeGreaterThan(20);
    expect(cycles(looked, (path) => graph.get(path) ?? [])).toEqual([]);
  });

  it("are not among the packages, those for development included", () => {
    const graph = new Map(
      workspace.map(({ manifest: { name, dependencies, peerDependencies, devDependencies } }) => [
        name,
        Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }),
      ]),
    );
    expect(cycles([...graph.keys()], (name) => graph.get(name) ?? [])).toEqual([]);
  });
});

it("what a file imports is seen in every form", () => {
  const forms = [
    'import a, { b } from "./1.js";',
    'import type { C } from "./2.js";',
    'import { type D } from "./3.js";',
    'import "./4.js";',
    'export { e } from "./5.js";',
    'export type { F } from "./6.js";',
    'export * from "./7.js";',
    'const g = await import("./8.js");',
    'let h: import("./9.js").H;',
    'type I = typeof import("./10.js");',
    'const text = "import none";',
  ];
  expect(importsOf(forms.join("\n"))).toEqual(Array.from({ length: 10 }, (_, i) => `./${i + 1}.js`));
  expect(importedFiles("test/layout.test.ts")).toEqual(["test/_imports.ts", "test/_tree.ts", "test/_workspace.ts"]);
  const native = modules.filter((path) => path.endsWith(".cc")).flatMap(importedFiles);
  expect(native.length).toBeGreaterThan(2);
});
