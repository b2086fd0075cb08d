import { afterEach, expect, test, vi } from "vitest";
import { MuldeError } from "@mulde/errors";
import { barLine } from "../src/_bar-line.js";
import { reportError } from "../src/_errors.js";
import { Output } from "../src/_output.js";
import { paint } from "../src/_paint.js";
import { printable, shown } from "../src/_printable.js";
import { table } from "../src/_table.js";
import { mulde, temporary } from "./_cli.js";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const { isTTY } = process.stdout;
const noColor = process.env.NO_COLOR;
afterEach(() => {
  process.stdout.isTTY = isTTY;
  process.stderr.isTTY = isTTY;
  if (noColor === undefined) delete process.env.NO_COLOR;
  vi.restoreAllMocks();
});

// What terminals act on: a colour, a title, a cleared screen, C1's own CSI, bidi overrides, a byte order mark, line ends.
const evil = "\u001b[31mx\u001b]0;y\u0007\u001b[2J\u009b1A\u202ez\u2066\ufeff\r\n\u2028";
// eslint-disable-next-line no-control-regex -- they are what is looked for
const acting = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/;

function written(what: () => void): { stdout: string; stderr: string } {
  const lines = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      lines[name] += text.toString();
      return true;
    });
  }
  what();
  vi.restoreAllMocks();
  return lines;
}

test("a name is shown with JSON's escapes, whatever it holds", () => {
  expect(shown(evil)).toBe(String.raw`\u001b[31mx\u001b]0;y\u0007\u001b[2J\u009b1A\u202ez\u2066\ufeff\r\n\u2028`);
  expect(shown("Zoë, 張, 👩‍👩‍👧 and \\u001b")).toBe("Zoë, 張, 👩‍👩‍👧 and \\u001b");
});

test("a text keeps its line ends and tabs, and our own colours alone", () => {
  process.stdout.isTTY = true;
  delete process.env.NO_COLOR;
  const { bold, red } = paint(process.stdout);
  expect(printable(`a\tb\n${bold("c")} ${red("\u001b[31md")}`)).toBe(
    "a\tb\n\u001b[1mc\u001b[22m \u001b[31m\\u001b[31md\u001b[39m",
  );
  expect(printable("\u001b[1;1234;5678mx")).toBe("\\u001b[1;1234;5678mx");
});

test.each([true, false])("nothing that people read holds what terminals act on (terminal: %s)", (terminal) => {
  process.stdout.isTTY = terminal;
  process.stderr.isTTY = terminal;
  process.env.NO_COLOR = "1";
  const name = evil.replaceAll("\n", "");
  const { stdout, stderr } = written(() => {
    const output = new Output(false);
    output.log(`${name}: epoch 1`);
    output.result({}, () => `${name}\n${table([{ head: "model", cut: "middle" }], [[evil.repeat(20)]])}`);
    reportError(new MuldeError("DATA_X", `no "${evil}".`, { file: evil, path: [evil] }), false);
  });
  expect(stdout).not.toMatch(acting);
  expect(stderr).not.toMatch(acting);
  expect(stderr.split("\n")).toHaveLength(3);
});

test("a bar shows a name escaped, in its column", () => {
  const state = {
    state: "waiting",
    epoch: 0,
    epochs: 1,
    loss: undefined,
    mrr: undefined,
    progress: 0,
    left: undefined,
    note: "",
  } as const;
  expect(barLine({ ...state, name: "\u001b[2J" }, ["\u001b[2J"], 80)).toContain(String.raw`\u001b[2J`);
});

test("JSON stays JSON", () => {
  const { stdout } = written(() => {
    new Output(true).result({ name: evil }, () => "");
  });
  expect(JSON.parse(stdout)).toEqual({ name: evil });
});

test("a long message is cut in its middle for people, and whole as JSON", () => {
  const { stdout, stderr } = written(() => {
    reportError(new MuldeError("DATA_X", `"${"x".repeat(100_000)}" is too long; shorten it.`), true);
  });
  expect(stderr.length).toBeLessThan(1100);
  expect(stderr).toMatch(/^error: "x+ \.\.\. x+" is too long; shorten it\. \(DATA_X\)\n$/);
  expect((JSON.parse(stdout) as { error: { message: string } }).error.message).toHaveLength(100_027);
});

test("a system's error gets its file and a fix, never the system's own words alone", () => {
  const failure = Object.assign(new Error("EISDIR: illegal operation on a directory, open 'x'"), {
    ...{ code: "EISDIR", syscall: "open", path: "x" },
  });
  expect(written(() => reportError(failure, false)).stderr).toBe(
    "error: x: this is a directory, not a file; check the path. (CLI_FILE)\n",
  );
});

test("the escapes of a data set's names do not reach the terminal", async () => {
  const directory = join(temporary(), "graph");
  mkdirSync(directory);
  for (const split of ["train", "valid", "test"]) writeFileSync(join(directory, `${split}.txt`), "\u001b[31mA\n");
  const { stderr } = await mulde(["datasets", "info", directory]);
  expect(stderr).toContain(String.raw`\u001b[31mA`);
  expect(stderr).not.toMatch(acting);
});
