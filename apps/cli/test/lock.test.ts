import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { mulde, temporary } from "./_cli.js";
import { quick, trained, writeGraph } from "./_graph.js";

// A training that goes on until it is stopped.
const endless = ["--epochs", "9999", "--set", "validation.every=30", "--set", "validation.patience=9999"];
let data: string;
let commands: Record<string, readonly string[]>;

beforeAll(async () => {
  data = writeGraph();
  const yaml = join(dirname(data), "ring.yaml");
  writeFileSync(
    yaml,
    "data: ring\ndefaults: { epochs: 9999, validation: { every: 50, patience: 9999 } }\nteachers: [{ model: RotE }]\njunior: { model: RotH }\n",
  );
  commands = {
    train: ["train", "--model", "RotH", "--dim", "16", "--data", data, ...quick, ...endless],
    distil: ["distil", "--teachers", await trained(data), "--data", data, ...quick, ...endless],
    run: ["run", yaml],
  };
});

// Windows ends a process by these signals without asking it.
const windows = process.platform === "win32";

test.skipIf(windows).each(["train", "distil", "run"])(
  "a second %s in a directory is refused at once, and names the first",
  async (name) => {
    const out = join(temporary(), "out");
    const args = [...commands[name]!, "--out", out];
    let second: ReturnType<typeof mulde> | undefined;
    let whole: string | undefined;
    const first = mulde(args, {
      kill: (stderr) => {
        if (!stderr.includes("MRR")) return undefined;
        if (second) return whole === undefined ? undefined : "SIGTERM";
        second = mulde(args, {}).finally(() => (whole = "ended"));
        return undefined;
      },
    });
    expect((await first).code).toBe(143);
    const { code, stdout, stderr } = await second!;
    expect([code, stdout]).toEqual([1, ""]);
    // Nothing was loaded.
    expect(stderr).toMatch(
      new RegExp(
        String.raw`^error: ${out}/mulde\.lock: process \d+ on \S+ has been working here since \S+ \(mulde ${name} .*\); wait .* \(TRAINER_LOCKED\)\n$`,
      ),
    );
    expect(readdirSync(out).filter((file) => /lock|tmp/.test(file))).toEqual([]);
  },
);

test.skipIf(windows)("a killed process does not lock its directory", async () => {
  const out = join(temporary(), "out");
  const args = [...commands.train!, "--out", out];
  const kill = (signal: NodeJS.Signals) => (stderr: string) => (stderr.includes("MRR") ? signal : undefined);
  const killed = await mulde([...args, "--checkpoint-minutes", "0"], { kill: kill("SIGKILL") });
  expect(killed.signal).toBe("SIGKILL");
  expect(JSON.parse(readFileSync(join(out, "mulde.lock"), "utf8"))).toMatchObject({
    pid: expect.any(Number) as number,
  });
  const resumed = await mulde(args, { kill: kill("SIGINT") });
  expect(resumed).toMatchObject({ code: 130, stderr: expect.stringContaining("resumed at step") as string });
  expect(readdirSync(out)).toEqual(["checkpoint.safetensors"]);
});

test("a failure leaves neither a lock nor a directory", async () => {
  const out = join(temporary(), "a", "b");
  const { code } = await mulde(["train", "--data", "./nowhere", "--out", out]);
  expect(code).toBe(1);
  expect(existsSync(dirname(out))).toBe(false);
});
