// Packs every package as it would be published, and asks publint and are-the-types-wrong about each tarball.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryOf, everyPackage } from "./_packages.js";
import { pnpm, run } from "./_pnpm.js";

// Every Node that we support can require ES modules, so there is no CommonJS beside them. "node16" leaves out only the resolution before
// package.json had "exports", which TypeScript 7 no longer has.
const types = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--no-definitely-typed"];

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mulde-tarballs-"));
const released = everyPackage(root).filter(({ manifest }) => !manifest.private);
// What stands as a plain path is a file to load by its URL, such as the WebAssembly, and no module to import.
const files = released.flatMap(({ manifest }) =>
  Object.entries(manifest.exports ?? {}).flatMap(([entry, to]) => (typeof to === "string" ? [entry] : [])),
);
// Nobody imports the packages of platforms, so they have no types.
const withoutTypes = released.filter(binaryOf).map(({ manifest }) => manifest.name.replace("@", "").replace("/", "-"));
const bad = [];
try {
  const filters = [];
  for (const one of released) {
    const binary = binaryOf(one);
    if (!binary || existsSync(join(root, binary))) filters.push(`--filter=${one.manifest.name}`);
    else console.log(`SKIPPED ${one.manifest.name}: its binary is not built here`);
  }
  if (pnpm(["--recursive", ...filters, "pack", "--pack-destination", folder]) !== 0) bad.push("pnpm pack");
  for (const file of readdirSync(folder).map((name) => join(folder, name))) {
    const codes = [run("npx", ["publint", "--strict", file])];
    if (!withoutTypes.some((name) => basename(file).startsWith(name)))
      codes.push(run("npx", ["attw", file, ...types, "--exclude-entrypoints", ...files]));
    if (codes.some((code) => code !== 0)) bad.push(basename(file));
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (bad.length > 0) {
  console.error(`Not as they should be, see above: ${bad.join(", ")}`);
  process.exitCode = 1;
}
