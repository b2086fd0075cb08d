// Checks the changesets: with their own `status`, that each package is released or about to be, and that no package gets another's news.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { changesets, inThrowAway } from "./_changesets.js";
import { everyPackage } from "./_packages.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const plan = inThrowAway(root, (copy) => {
  changesets(copy, "status", "--output=plan.json");
  return JSON.parse(readFileSync(join(copy, "plan.json"), "utf8"));
});
const releases = plan.releases.filter(({ type }) => type !== "none");
for (const { name, oldVersion, newVersion } of releases) console.log(`${name} ${oldVersion} -> ${newVersion}`);

const faults = [];
for (const { manifest } of everyPackage(root)) {
  if (manifest.private || manifest.version !== "0.0.0" || releases.some(({ name }) => name === manifest.name)) continue;
  faults.push(`${manifest.name} was never released and is in no changeset: run \`npm run changeset\`.`);
}
// A changeset's whole text goes to every package that it names.
for (const { id, summary, releases: named } of plan.changesets) {
  const [told] = named.length > 1 ? (/@mulde\/[\w-]+/.exec(summary) ?? []) : [];
  if (!told) continue;
  faults.push(
    `.changeset/${id}.md tells the users of ${named.length} packages about ${told}: write one for each package.`,
  );
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
