// Known weaknesses in what installing the packages brings, by `pnpm audit`. Exit codes: 1 for one that is high or critical, 77 where the registry
// does not answer such questions. Lesser ones, and those of tools, are printed and do not fail: they wait for the next release.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

function audit(...args) {
  const { stdout } = spawnSync("npx", ["--yes", packageManager, "audit", "--json", ...args], { encoding: "utf8" });
  const answer = JSON.parse(stdout || "{}");
  if (answer.metadata?.vulnerabilities) return answer;
  console.log(`no audit: ${answer.error?.message ?? "pnpm audit printed nothing"}`);
  process.exit(77);
}

const [published, tools] = [audit("--prod"), audit("--dev")];
for (const [what, { advisories }] of Object.entries({ published, tools })) {
  for (const { severity, module_name: name, title, url } of Object.values(advisories ?? {})) {
    console.log(`${what}: ${severity}: ${name}: ${title} (${url})`);
  }
}
const { high, critical } = published.metadata.vulnerabilities;
if (high + critical > 0) process.exitCode = 1;
