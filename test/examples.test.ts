import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "./_workspace.js";

it("swap-teachers distils from its own teacher set", { timeout: 120_000 }, async () => {
  const main = join(root, "examples/swap-teachers/src/main.js");
  const { stdout } = await promisify(execFile)(process.execPath, [main], { env: { ...process.env, EPOCHS: "1" } });
  expect(stdout).toMatch(
    /^Teachers: RotH, ComplEx, popularity\ndistilled {4}validation MRR 0\.\d{3} {2}Hits@10 0\.\d{3}\nundistilled {2}validation MRR/,
  );
});
