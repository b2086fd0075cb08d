import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { root, workspace } from "./_workspace.js";

const cache = mkdtempSync(join(tmpdir(), "mulde-npm-"));
afterAll(() => {
  rmSync(cache, { recursive: true, force: true });
});

/** The files that publishing a folder would send, by npm itself. */
async function publishedFiles(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts", `--cache=${cache}`],
    {
      cwd: join(root, folder),
      shell: process.platform === "win32",
    },
  );
  const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return packed.files.map(({ path }) => path);
}

describe.each(workspace)("$manifest.name would publish", ({ folder, manifest }) => {
  const files = publishedFiles(folder);

  it("what was built, its README and nothing else", async () => {
    expect(await files).toEqual(expect.arrayContaining(["package.json", "README.md"]));
    expect((await files).some((path) => /^dist\/\w+\.js$/.test(path))).toBe(true);
    const usual = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.+\.(js|d\.ts))$/;
    const extra = {
      "@mulde/kernels": /^wasm\/mulde\.wasm$/,
      "@mulde/cli": /^(bin\/mulde\.js|experiments\/[\w-]+\.yaml)$/,
    }[manifest.name];
    expect((await files).filter((path) => !usual.test(path) && !extra?.test(path))).toEqual([]);
    if (extra) expect((await files).some((path) => extra.test(path))).toBe(true);
  });
});
