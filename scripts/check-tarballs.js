// Packs every package as it would be published, and asks publint and are-the-types-wrong about each tarball.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "mulde-tarballs-"));

/** Runs a program of node_modules/.bin, or another; its output is shown if it fails. */
function passes(...args) {
  const { status, stdout, stderr, error } = spawnSync("npx", args, {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0) console.error(`npx ${args.join(" ")}: ${error?.message ?? `${stdout}${stderr}`}`);
  return status === 0;
}

try {
  const filters = ["--filter", "./packages/*", "--filter", "./apps/*"];
  if (!passes("--yes", packageManager, "--recursive", ...filters, "pack", "--pack-destination", folder)) {
    process.exitCode = 1;
  }
  for (const file of readdirSync(folder).map((name) => join(folder, name))) {
    // Every Node that we support can require ES modules, so there is no CommonJS beside them. "node16" leaves out only the resolution
    // before package.json had "exports", which TypeScript 7 no longer has.
    const types = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--no-definitely-typed"];
    const good = [passes("publint", "--strict", file), passes("attw", file, ...types)].every(Boolean);
    console.log(`${basename(file)}: ${good ? "as it should be" : "not as it should be, see above"}`);
    if (!good) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
