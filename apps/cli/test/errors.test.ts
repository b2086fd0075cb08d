import { setTimeout as sleep } from "node:timers/promises";
import { MuldeError } from "@mulde/errors";
import { afterEach, expect, test, vi } from "vitest";
import { Interrupted, reportError, UsageError } from "../src/_errors.js";
import { interruptible } from "../src/_interrupt.js";
import { hearSignals } from "../src/signals.js";

function reported(error: unknown): { code: number; stderr: string; json: unknown } {
  const lines = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      lines[name] += text.toString();
      return true;
    });
  }
  const code = reportError(error, true);
  vi.restoreAllMocks();
  return { code, stderr: lines.stderr, json: JSON.parse(lines.stdout) };
}

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  [
    "of Mulde, with its fields",
    new MuldeError("DATA_X", "is wrong.", { file: "a.txt", line: 3, path: ["teachers", 0, "dim"], value: 1 }),
    1,
    {
      code: "DATA_X",
      message: "a.txt:3, teachers.0.dim: is wrong.",
      file: "a.txt",
      line: 3,
      path: ["teachers", 0, "dim"],
    },
  ],
  ["of Mulde without fields", new MuldeError("DATA_X", "Wrong."), 1, { code: "DATA_X", message: "Wrong." }],
  [
    "about the command line",
    new UsageError("must be a number.", "--dim"),
    2,
    { code: "CLI_USAGE", message: "--dim: must be a number.", path: ["--dim"] },
  ],
  ["of Ctrl-C", new Interrupted(130, "Stopped."), 130, { code: "CLI_INTERRUPTED", message: "Stopped." }],
  [
    "of the system",
    Object.assign(new Error("EACCES: no"), { code: "EACCES", syscall: "mkdir", path: "a/b" }),
    1,
    {
      code: "CLI_FILE",
      message: "a/b: this process may not write here; change the permissions, or choose another place.",
      file: "a/b",
    },
  ],
  [
    "that nobody expected",
    new Error("odd"),
    1,
    { code: "CLI_UNEXPECTED", message: "odd (not expected; MULDE_DEBUG=1 shows where it comes from)." },
  ],
  [
    "that is no error",
    "text",
    1,
    { code: "CLI_UNEXPECTED", message: "text (not expected; MULDE_DEBUG=1 shows where it comes from)." },
  ],
])("an error %s is one line, one JSON value and an exit code", (_, error, code, json) => {
  const answer = reported(error);
  expect(answer.code).toBe(code);
  expect(answer.json).toEqual({ error: json });
  const word = error instanceof Interrupted ? "" : "error: ";
  expect(answer.stderr).toBe(`${word}${json.message} (${json.code})\n`);
});

afterEach(() => {
  for (const name of ["SIGINT", "SIGTERM"]) process.removeAllListeners(name);
});

test("what Node aborts for a signal is told as the signal, whoever passes it on", async () => {
  hearSignals();
  const reading = interruptible(async (signal) => {
    process.emit("SIGTERM", "SIGTERM");
    await sleep(60_000, undefined, { signal });
  });
  await expect(reading).rejects.toMatchObject({ code: "CLI_INTERRUPTED", exitCode: 143 });
  const wrapping = interruptible(async (signal) => {
    process.emit("SIGINT", "SIGINT");
    await sleep(60_000, undefined, { signal }).catch((cause: unknown) => {
      throw new MuldeError("DATA_UNREADABLE", "it cannot be read.", { cause });
    });
  });
  await expect(wrapping).rejects.toMatchObject({ code: "CLI_INTERRUPTED", exitCode: 130 });
});

test("a signal that the work did not notice is told all the same", async () => {
  hearSignals();
  const work = interruptible(async () => {
    await Promise.resolve();
    process.emit("SIGTERM", "SIGTERM");
    return "done";
  });
  await expect(work).rejects.toMatchObject({ exitCode: 143, message: "Stopped when all was done already." });
});

test("the first signal stops the work, a second one the process", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
  hearSignals();
  const work = interruptible(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          process.emit("SIGTERM", "SIGTERM");
          reject(signal.reason as Error);
        });
      }),
  );
  process.emit("SIGINT", "SIGINT");
  await expect(work).rejects.toMatchObject({ code: "CLI_INTERRUPTED", exitCode: 130 });
  expect(exit.mock.calls).toEqual([[143]]);
});
