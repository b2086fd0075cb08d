// Turns the waiting changesets into versions and changelogs, which are then reviewed and committed: node scripts/version-packages.js
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { changesets } from "./_changesets.js";
import { binaryOf, everyPackage } from "./_packages.js";
import { pnpm } from "./_pnpm.js";

const root = fileURLToPath(new URL("..", import.meta.url));
changesets(root, "version");
// The packages with one platform's binary move with @mulde/kernels, whose changelog tells what is new: theirs would be bare headings.
for (const one of everyPackage(root)) {
  if (binaryOf(one)) rmSync(join(root, one.folder, "CHANGELOG.md"), { force: true });
}
process.exitCode = pnpm(["install", "--lockfile-only", "--no-frozen-lockfile"]);
