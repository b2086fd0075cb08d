// Copies a project of examples/ out of the workspace, as its README says, and installs packed packages into it:
//   node .ci/outside.js EXAMPLE TARBALLS TO
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const [example, tarballs, to] = process.argv.slice(2);
cpSync(example, to, { recursive: true, filter: (path) => basename(path) !== "node_modules" });

// mulde-eval-0.0.0.tgz is @mulde/eval.
const packed = Object.fromEntries(
  readdirSync(tarballs).map((file) => {
    const [, name] = /^mulde-(.+)-\d+\.\d+\.\d+.*\.tgz$/.exec(file);
    return [`@mulde/${name}`, `file:${resolve(tarballs, file)}`];
  }),
);
const manifest = JSON.parse(readFileSync(join(to, "package.json"), "utf8"));
const dependencies = Object.entries(manifest.dependencies).map(([name, version]) => [name, packed[name] ?? version]);
// Packages of a project's own packages come from the tarballs too: no registry has this version.
const indirect = Object.entries(packed).filter(([name]) => !(name in manifest.dependencies));
const outside = {
  ...manifest,
  dependencies: Object.fromEntries(dependencies),
  overrides: Object.fromEntries(indirect),
};
writeFileSync(join(to, "package.json"), JSON.stringify(outside, undefined, 2));
execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: to, stdio: "inherit" });
