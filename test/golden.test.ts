import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./_workspace.js";

it(
  "every experiment, preset and option trains to the same bytes as before, on WebAssembly",
  () => {
    const script = join(root, "research/golden/golden.js");
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [script, "--against", join(root, "research/golden/wasm.json")],
      { encoding: "utf8", env: { ...process.env, MULDE_KERNELS: "wasm", MULDE_TFJS: "wasm" } },
    );
    expect({ stdout, stderr, status }).toEqual({
      stdout: expect.stringMatching(/^(\d+) of \1 hashes are the same\.\n$/) as string,
      stderr: "",
      status: 0,
    });
  },
  15 * 60_000,
);
