// Writes the bill of materials of every published package, as NAME-VERSION.cdx.json: node scripts/sbom.js [FOLDER], by default sbom/.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packages } from "./_packages.js";
import { billOfMaterials } from "./_sbom.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = process.argv[2] ?? join(root, "sbom");
const committed = execFileSync("git", ["log", "-1", "--format=%cI"], { cwd: root, encoding: "utf8" }).trim();
mkdirSync(out, { recursive: true });
for (const { folder, manifest } of packages(root)) {
  if (manifest.private) continue;
  const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.cdx.json`;
  writeFileSync(join(out, file), billOfMaterials(root, folder, new Date(committed)));
  console.log(file);
}
