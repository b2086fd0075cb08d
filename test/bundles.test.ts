import { describe, expect, it } from "vitest";
import { bundled, importsInNode } from "./_bundle.js";
import { workspace } from "./_workspace.js";

/** Packages for pages; the others read files or run commands. */
const forPages = ["@mulde/errors", "@mulde/kernels", "@mulde/eval", "@mulde/senior", "@mulde/kge-models"];

/** What a page imports, the most that it may load at once, minified, and that gzipped; in kB, a twentieth more than it does. */
const pages: readonly (readonly [code: string, size: number, gzipped: number])[] = [
  ['export * from "@mulde/errors"', 3.5, 1.75],
  ['export { MuldeError } from "@mulde/errors"', 2, 1],
  ['export * from "@mulde/kernels"', 32, 11.7],
  ['export { createKernels } from "@mulde/kernels"', 30.5, 11.1],
  ['export * from "@mulde/eval"', 15.6, 6.2],
  ['export { evaluate } from "@mulde/eval"', 13.5, 5.6],
  ['export * from "@mulde/senior"', 20.8, 7.8],
  ['export { Senior } from "@mulde/senior"', 11.2, 4.4],
  ['export * from "@mulde/kge-models"', 96.5, 33.6],
  ['export { createModel } from "@mulde/kge-models"', 60, 21.2],
  ['export { openModel } from "@mulde/kge-models"', 82, 28.7],
  ['export { loadModel } from "@mulde/kge-models"', 73, 25.7],
];

describe("a bundle for a page", () => {
  it.each(pages)("%s is small: at most %f kB, %f kB gzipped", async (code, size, gzipped) => {
    const bundle = await bundled(code);
    expect(bundle.size / 1000).toBeLessThan(size);
    expect(bundle.gzipped / 1000).toBeLessThan(gzipped);
    // What a page does without until it asks for gradients.
    expect(bundle.files.filter((file) => /@tensorflow|zod|hyparquet/.test(file))).toEqual([]);
  });

  it.each([
    ["expmap0", 4],
    ["similarity", 4.6],
    ["modelNames", 10.5],
  ])("of %s of @mulde/kge-models leaves the rest out: at most %f kB", async (name, size) => {
    const bundle = await bundled(`export { ${name} } from "@mulde/kge-models"`, { splitting: false });
    expect(bundle.size / 1000).toBeLessThan(size);
  });

  it.each(forPages)("of all of %s has no module of Node and no addon in it", async (name) => {
    const { text, external } = await bundled(`export * from "${name}"`);
    expect(external).toEqual([]);
    expect(text.length).toBeGreaterThan(1000);
    expect(text).not.toMatch(/(import|from|require)\s*\(?\s*["'`]node:/);
    expect(text).not.toMatch(/\.node["'`]/);
  });

  it.each(forPages)("of nothing of %s is empty", async (name) => {
    const { text, files } = await bundled(`import * as all from "${name}"; export const one = () => 1;`);
    expect(text).toContain("=>1");
    expect(files).toEqual(["<stdin>"]);
  });
});

describe("in Node", () => {
  const senior = "packages/senior/dist";

  it("@mulde/senior loads nothing but errors", async () => {
    expect(await importsInNode(`${senior}/index.js`)).toEqual(["@mulde/errors"]);
  });

  it.each([
    ["reference", ["@tensorflow/tfjs-core"]],
    ["parquet", ["@mulde/errors", "hyparquet", "hyparquet-writer", "hyparquet/src/thrift.js", "node:fs/promises"]],
    ["onnx", ["@mulde/errors"]],
  ])("@mulde/senior/%s loads %j", async (entry, names) => {
    expect(await importsInNode(`${senior}/${entry}.js`)).toEqual(names);
  });

  it("kernels, models and metrics load no TensorFlow.js", async () => {
    for (const name of ["kernels", "kge-models", "eval", "mulde-trainer"]) {
      const imported = await importsInNode(`packages/${name}/dist/index.js`);
      expect(imported.filter((one) => one.startsWith("@tensorflow/"))).toEqual([]);
    }
    expect(workspace.length).toBeGreaterThan(5);
  });
});
