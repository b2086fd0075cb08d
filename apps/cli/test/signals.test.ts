import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { mulde, temporary } from "./_cli.js";
import { quick, writeGraph } from "./_graph.js";

// The trial `research/reliability/kills.js` sends signals at random moments; here are those that it seldom hits.
let data: string;
beforeAll(() => (data = writeGraph()));

/** Settings of Node with which the process gets a signal from itself as soon as it imports a file. */
function signalAtImport(signal: NodeJS.Signals, file: string): NodeJS.ProcessEnv {
  const hooks = `export function resolve(name, context, next) {
    if (name.endsWith(${JSON.stringify(file)})) process.kill(process.pid, ${JSON.stringify(signal)});
    return next(name, context);
  }`;
  const preload = join(temporary(), "preload.mjs");
  const url = `data:text/javascript,${encodeURIComponent(hooks)}`;
  writeFileSync(preload, `import { register } from "node:module"; register(${JSON.stringify(url)});`);
  return { NODE_OPTIONS: `--import=${preload}` };
}

// Windows ends a process by these signals without asking it.
describe.skipIf(process.platform === "win32").each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s", (signal, exitCode) => {
  test("is heard before the program is imported", async () => {
    const env = signalAtImport(signal, "/main.js");
    expect(await mulde(["info"], { env })).toEqual({
      code: exitCode,
      signal: null,
      stdout: "",
      stderr: "Stopped. (CLI_INTERRUPTED)\n",
    });
    const { stdout } = await mulde(["info", "--json"], { env });
    expect(JSON.parse(stdout)).toEqual({ error: { code: "CLI_INTERRUPTED", message: "Stopped." } });
  });

  test("ends the loading of data, and leaves nothing", async () => {
    const large = join(temporary(), "large");
    mkdirSync(large);
    const lines = Array.from({ length: 300_000 }, (_, i) => `n${i % 997}\tr${i % 7}\tn${(i * 31) % 1009}\n`).join("");
    for (const split of ["train", "valid", "test"]) writeFileSync(join(large, `${split}.txt`), lines);
    const out = join(temporary(), "none");
    const kill = (stderr: string) => (stderr.includes("kernels") ? signal : undefined);
    const { code, stderr } = await mulde(["train", "--data", large, "--out", out], { kill });
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(
      /\nStopped before there was anything to save; run the same command again\. \(CLI_INTERRUPTED\)\n$/,
    );
    expect(existsSync(out)).toBe(false);
  });

  test("between validations leaves a checkpoint, and no lock", async () => {
    const out = join(temporary(), "validated");
    const kill = (stderr: string) => (stderr.includes("epoch 4/") ? signal : undefined);
    const args = ["train", "--data", data, ...quick, "--epochs", "4000", "--set", "validation.every=1", "--out", out];
    const { code, stderr } = await mulde(args, { kill });
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(/\nStopped; .*checkpoint\.safetensors keeps .*\n$/);
    expect(readdirSync(out)).toEqual(["checkpoint.safetensors"]);
  });
});
