import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { everyPackage } from "./_packages.js";

/**
 * Gives a function a throw-away repository with what changesets read and write: the manifests and `.changeset`. They compare with the base
 * branch, which a shallow clone lacks, and no trial of them may touch this repository.
 *
 * @template T
 * @param {string} root
 * @param {(copy: string) => T} use
 */
export function inThrowAway(root, use) {
  const copy = mkdtempSync(join(tmpdir(), "mulde-changesets-"));
  try {
    const manifests = everyPackage(root).map(({ folder }) => `${folder}/package.json`);
    for (const file of [
      "package.json",
      "pnpm-workspace.yaml",
      "pnpm-lock.yaml",
      ".prettierrc.json",
      ".changeset",
      ...manifests,
    ]) {
      cpSync(join(root, file), join(copy, file), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
    const git = (...args) =>
      execFileSync("git", ["-c", "user.name=ci", "-c", "user.email=ci@localhost", ...args], { cwd: copy });
    git("init", "--quiet", "--initial-branch=main");
    git("add", "--all", ":!node_modules");
    git("commit", "--quiet", "--no-gpg-sign", "--message=base");
    return use(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Runs a command of changesets in a folder; what it says is shown if it fails. */
export function changesets(folder, ...args) {
  const cli = join(folder, "node_modules/@changesets/cli/bin.js");
  execFileSync(process.execPath, [cli, ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}
