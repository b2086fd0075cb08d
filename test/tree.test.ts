import { homedir, tmpdir } from "node:os";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { committedFiles } from "./_tree.js";
import { root } from "./_workspace.js";

const files = committedFiles().filter((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile());
const texts = files.filter((path) => !/\.wasm$|^pnpm-lock\.yaml$/.test(path));

function filesWith(pattern: RegExp): string[] {
  return texts.filter((path) => pattern.test(readFileSync(join(root, path), "utf8")));
}

it("no file is over 1 MiB, except WebAssembly", () => {
  expect(files.length).toBeGreaterThan(50);
  const size = (path: string) => statSync(join(root, path)).size;
  expect(files.filter((path) => !path.endsWith(".wasm") && size(path) > 2 ** 20)).toEqual([]);
});

it("no file names a package registry's host", () => {
  // The brackets keep this file from naming them itself.
  expect(filesWith(/https?:\/\/[a-z0-9.-]*(registry|n[p]mjs|y[a]rnpkg|n[p]mmirror)[a-z0-9.-]*/i)).toEqual([]);
});

it("no file holds a path of this machine", () => {
  const quoted = [root, dirname(root), homedir()]
    // A root directory as home or parent would match every path, and a checkout in /tmp those that tests make up.
    .filter((path) => path.length > 1 && path !== tmpdir())
    .map((path) => `${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/`);
  expect(quoted.length).toBeGreaterThan(0);
  expect(filesWith(new RegExp(quoted.join("|")))).toEqual([]);
});

it("no recorded result holds a path of any machine", () => {
  const recorded = texts.filter((path) => path.startsWith("research/results/") && path.endsWith(".tsv"));
  expect(recorded.length).toBeGreaterThan(2);
  expect(recorded.filter((path) => /(^|[\s,=])\/\w/m.test(readFileSync(join(root, path), "utf8")))).toEqual([]);
});

it("no licensed data set is committed", () => {
  // Recipes are named after the data that they are for.
  const named = files.filter((path) => !/experiments\/[^/]+\.yaml$/.test(path));
  expect(named.filter((path) => /WN18RR|FB15k/i.test(path))).toEqual([]);
});

it("nothing that is built or downloaded is committed", () => {
  expect(files.filter((path) => /(^|\/)(node_modules|dist|coverage|\.turbo|runs)\/|\.node$|\.o$/.test(path))).toEqual(
    [],
  );
});
