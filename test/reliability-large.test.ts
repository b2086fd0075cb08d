import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./_workspace.js";

it("the trial of large files holds in miniature, and has its row", { timeout: 120_000 }, async () => {
  const script = join(root, "research/reliability/large.js");
  const outcome = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [script, "--mini"], (error, stdout, stderr) => {
      if (error) reject(new Error(stderr, { cause: error }));
      else resolve(stdout);
    });
  });
  expect(JSON.parse(outcome)).toMatchObject({ trial: "large", cases: 9, held: 9, failures: [] });
  expect(readFileSync(join(root, "docs/reliability.md"), "utf8")).toMatch(
    /^\| large +\| `npm run reliability:large` +\|/m,
  );
});
