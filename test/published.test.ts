import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { notices } from "../scripts/_notices.js";
import { type Packed, packageManager, packed } from "./_packed.js";
import { everyPackage, read, root, rootManifest, workspace } from "./_workspace.js";

const folder = mkdtempSync(join(tmpdir(), "mulde-packed-"));
let tarballs: Map<string, Packed>;
beforeAll(async () => {
  tarballs = await packed(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The most that a tarball may weigh, in kB: a tenth more than it does. */
const budgets: Readonly<Record<string, number>> = {
  "@mulde/errors": 6,
  "@mulde/kernels": 340,
  "@mulde/datasets": 42,
  "@mulde/eval": 15,
  "@mulde/senior": 28,
  "@mulde/kge-models": 158,
  "@mulde/mulde-trainer": 62,
  "@mulde/cli": 36,
};

/** What a package has beside its code and its papers. */
const extras: Readonly<Record<string, RegExp>> = {
  "@mulde/kernels": /^wasm\/mulde(-single)?\.wasm$/,
  "@mulde/cli": /^(bin\/mulde\.js|experiments\/[\w-]+\.yaml)$/,
};

/** Every file that a manifest names. */
function targets(value: unknown): string[] {
  if (typeof value === "string") return [value.replace(/^\.\//, "")];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(targets) : [];
}

it("every package is packed, and no example", () => {
  expect([...tarballs.keys()].sort()).toEqual(workspace.map(({ manifest }) => manifest.name).sort());
});

describe.each(workspace)("$manifest.name would publish", ({ folder: place, manifest: { name } }) => {
  it("what was built and its papers, and nothing else", () => {
    const { files } = tarballs.get(name)!;
    const papers = ["README.md", "LICENSE", "CHANGELOG.md", "THIRD-PARTY-NOTICES"];
    const there = papers.filter((paper) => paper === "LICENSE" || existsSync(join(root, place, paper)));
    expect([...files.keys()]).toEqual(expect.arrayContaining(there));
    const usual = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|THIRD-PARTY-NOTICES|dist\/[\w-]+\.(js|d\.ts))$/;
    const extra = extras[name];
    expect([...files.keys()].filter((path) => !usual.test(path) && !extra?.test(path))).toEqual([]);
    if (extra) expect([...files.keys()].some((path) => extra.test(path))).toBe(true);
    expect(files.get("LICENSE")).toBe(read("LICENSE"));
  });

  it("every file that its package.json names, types among them", () => {
    const { files, manifest } = tarballs.get(name)!;
    const named = [...targets(manifest.exports), ...targets(manifest.bin)];
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((path) => !files.has(path))).toEqual([]);
    // A plain path is a file to load, such as the WebAssembly; a module has conditions, its types first.
    const modules = Object.values(manifest.exports ?? {}).filter((entry) => typeof entry === "object");
    for (const entry of modules) expect(Object.keys(entry!)[0]).toBe("types");
  });

  it("versions that others can install, and no script that runs at their place", () => {
    const { manifest } = tarballs.get(name)!;
    const versions = Object.values({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect(versions.filter((version) => !/^[~^]\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(Object.keys(manifest.scripts ?? {}).filter((script) => /install|prepare|pack|publish/.test(script))).toEqual(
      [],
    );
  });

  it("a notice for each work of others that its bundle holds", () => {
    const text = tarballs.get(name)!.files.get("THIRD-PARTY-NOTICES");
    expect(text, "run node scripts/notices.js").toBe(notices(root, place));
  });

  it("not more than its budget", () => {
    expect(budgets).toHaveProperty([name]);
    expect(tarballs.get(name)!.size / 1000).toBeLessThan(budgets[name]!);
  });
});

const platforms = everyPackage(root).filter(({ manifest }) => manifest.name.startsWith("@mulde/kernels-"));

describe.each(platforms)("$manifest.name", ({ folder: place, manifest }) => {
  const addon = join(root, place, "mulde.node");
  const built = existsSync(addon);
  if (!built) console.warn(`${manifest.name} is not built here: the test of its size is SKIPPED.`);

  it.skipIf(!built)("packs its addon into less than 500 kB", () => {
    expect(gzipSync(readFileSync(addon)).length / 1000).toBeLessThan(500);
  });

  it("has the papers, the addresses and the engines of the other packages", () => {
    const [, key] = /^@mulde\/kernels-(.+)$/.exec(manifest.name)!;
    expect(place).toBe(`packages/kernels/platforms/${key!}`);
    expect(read(`${place}/README.md`)).toMatch(new RegExp(`^# ${manifest.name}\n`));
    expect(manifest).toMatchObject({
      license: "MIT",
      engines: rootManifest.engines,
      homepage: `https://github.com/mulde/mulde/tree/main/${place}#readme`,
      bugs: "https://github.com/mulde/mulde/issues",
      repository: { directory: place },
    });
    const papers = [
      "CHANGELOG.md",
      ...(existsSync(join(root, place, "THIRD-PARTY-NOTICES")) ? ["THIRD-PARTY-NOTICES"] : []),
    ];
    expect([...manifest.files!].sort()).toEqual([...papers, "mulde.node"].sort());
  });
});

it("the platforms have packages", () => {
  expect(platforms.length).toBeGreaterThan(5);
});

it("a bundle that holds others' work has a notice with their licence", () => {
  const text = tarballs.get("@mulde/kge-models")!.files.get("THIRD-PARTY-NOTICES");
  expect(text).toMatch(/^@tensorflow\/tfjs-core 4\.22\.0, /m);
  expect(text).toMatch(/^Copyright 2020 Google LLC/m);
  expect(text).toContain("Apache License");
});

it.each(["pack", "publish"])("npm %s is refused, since it would leave workspace: in the tarball", async (command) => {
  const refused = "@mulde/eval is packed and published by pnpm alone: run npx pnpm@10 pack";
  await expect(packageManager("npm", [command, "--dry-run"], "packages/eval")).rejects.toThrow(refused);
});
