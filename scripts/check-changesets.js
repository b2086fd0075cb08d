// Checks the changesets with changesets' own `status`, and that each package is released or about to be. `status` compares with the
// base branch, which a shallow clone lacks, so it is asked in a throw-away repository of the manifests and changesets alone.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packages } from "./_packages.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "mulde-changesets-"));
try {
  const all = packages(root);
  const manifests = all.map(({ folder }) => `${folder}/package.json`);
  for (const file of ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", ".changeset", ...manifests]) {
    cpSync(join(root, file), join(copy, file), { recursive: true });
  }
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=ci", "-c", "user.email=ci@localhost", ...args], { cwd: copy });
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git("commit", "--quiet", "--no-gpg-sign", "--message=base");
  execFileSync(process.execPath, [join(root, "node_modules/@changesets/cli/bin.js"), "status", "--output=plan.json"], {
    cwd: copy,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const { releases } = JSON.parse(readFileSync(join(copy, "plan.json"), "utf8"));
  for (const { name, oldVersion, newVersion } of releases) console.log(`${name} ${oldVersion} -> ${newVersion}`);
  const forgotten = all
    .filter(({ manifest }) => manifest.version === "0.0.0" && !releases.some(({ name }) => name === manifest.name))
    .map(({ manifest }) => manifest.name);
  if (forgotten.length > 0) {
    console.error(`Never released, and in no changeset: ${forgotten.join(", ")}. Run \`npm run changeset\`.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true });
}
