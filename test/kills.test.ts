import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./_workspace.js";

it("killed and stopped commands resume to the bytes of unbroken ones", { timeout: 600_000 }, async () => {
  const script = join(root, "research/reliability/kills.js");
  const { error, stdout, stderr } = await new Promise<{ error: Error | null; stdout: string; stderr: string }>(
    (resolve) => {
      execFile(process.execPath, [script, "--kills", "10", "--signals", "6"], (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      );
    },
  );
  expect(error, stderr).toBeNull();
  const outcomes = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(outcomes).toMatchObject([
    { trial: "kills", cases: 10, held: 10 },
    { trial: "signals", cases: 6, held: 6 },
  ]);
  expect(stderr.match(/: SIGKILL after \d+ ms, /g)).toHaveLength(10);
});
