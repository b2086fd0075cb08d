import type { Row } from "@mulde/mulde-trainer";
import { describe, expect, test } from "vitest";
import { barLine, type BarState } from "../src/_bar-line.js";
import { comparison, rowsTable, savedIn } from "../src/_rows.js";
import { brief, duration, fields, size, table } from "../src/_table.js";
import { columnsOf, continued, lengthOf, shortened, wrapped } from "../src/_text.js";

const widest = (text: string): number => Math.max(...text.split("\n").map(lengthOf));

describe("text", () => {
  test("wraps between words, and leaves long ones whole", () => {
    expect(wrapped("one two three", 8)).toBe("one two\nthree");
    expect(wrapped("a https://example.org/long b", 5)).toBe("a\nhttps://example.org/long\nb");
    expect(wrapped("", 5)).toBe("");
  });

  test("is cut in its middle or at its end, by letters as people see them", () => {
    expect(shortened("abcdefgh", 8, "end")).toBe("abcdefgh");
    expect(shortened("abcdefghi", 8, "end")).toBe("abcdefg…");
    expect(shortened("abcdefghi", 8, "middle")).toBe("abcd…ghi");
    expect(shortened("äëïöü", 4, "end")).toBe("äëï…");
    expect(shortened("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2, "end")).toBe("👨‍👩‍👧…");
  });

  test("of a command goes on in the next line as shells read it", () => {
    expect(continued(["mulde predict", "x", "--head a"], 18)).toBe("mulde predict \\\n  x --head a");
  });

  test("fills 80 columns where there is no terminal, or a narrow one", () => {
    expect(columnsOf({ isTTY: false })).toBe(80);
    expect(columnsOf({ isTTY: true, columns: 40 })).toBe(80);
    expect(columnsOf({ isTTY: true, columns: 120 })).toBe(120);
  });
});

describe("a table", () => {
  const columns = [
    { head: "name", cut: "middle" },
    { head: "n", align: "right" },
    { head: "text", cut: "end" },
  ] as const;

  test("that fits is not cut", () => {
    expect(table(columns, [["first", "1", "words"]])).toBe("name   n  text\nfirst  1  words");
  });

  test("that is too wide is cut from its last column on", () => {
    const [name, text] = ["n".repeat(30), "t".repeat(60)];
    const [, row] = table(columns, [[name, "1", text]]).split("\n");
    expect(row).toBe(`${name}  1  ${"t".repeat(44)}…`);
    const [, narrow] = table(columns, [[name, "1", text]], 30).split("\n");
    expect(narrow).toBe(`${"n".repeat(8)}…${"n".repeat(8)}  1  ${"t".repeat(7)}…`);
  });
});

test("fields have their values under each other, wrapped", () => {
  expect(fields({ a: "1", long: "x ".repeat(50).trim() })).toBe(
    `a     1\nlong  ${"x ".repeat(37).trim()}\n      ${"x ".repeat(13).trim()}`,
  );
});

test.each([
  [0.04, "0.0 s", "0.0 s"],
  [59.94, "59.9 s", "59.9 s"],
  [65, "1 min 05 s", "65.0 s"],
  [100, "1 min 40 s", "1.7 min"],
  [7800, "2 h 10 min", "2.2 h"],
])("%d seconds are %s, in short %s", (seconds, long, short) => {
  expect(duration(seconds)).toBe(long);
  expect(brief(seconds)).toBe(short);
});

test.each([
  [999, "999 B"],
  [1500, "1.5 kB"],
  [2.5e6, "2.5 MB"],
  [123e6, "123 MB"],
  [1.25e9, "1.3 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

describe("an experiment's rows", () => {
  const row = (role: Row["role"], name: string, model: string): Row => ({
    ...{ role, name, model, dim: 1024, parameters: 123_456_789, bytes: 493_827_156 },
    ...{ mrr: 0.4567, mr: 123.4, hits: { 1: 0.3, 3: 0.5, 10: 0.7 }, headMrr: 0.4, tailMrr: 0.5 },
    ...{ epochs: 100, seed: 0, seconds: 98_765 },
  });
  const rows = [
    row("teacher", "RotH", "RotH"),
    row("teacher", "second-RotH", "RotH"),
    row("teacher", "a-teacher-with-a-very-long-name-of-its-own", "ComplEx"),
    row("undistilled", "undistilled", "RotH"),
    row("distilled", "distilled", "RotH"),
    row("senior", "senior", "RotH+RotH+ComplEx"),
    row("distilled", "another-variant-with-a-long-name", "ComplEx"),
  ];

  test("fit 80 columns, whatever their names", () => {
    expect(widest(rowsTable(rows))).toBeLessThanOrEqual(80);
    expect(widest(savedIn(rows, "runs/experiment"))).toBeLessThanOrEqual(80);
    expect(widest(comparison(rows)!)).toBeLessThanOrEqual(80);
  });

  test("name a model once", () => {
    const names = rowsTable(rows.slice(0, 6)).split("\n");
    expect(names[1]).toMatch(/^teacher +RotH +1024/);
    expect(names[2]).toMatch(/^teacher +second-RotH +1024/);
    expect(names[4]).toMatch(/^undistilled +RotH +1024/);
    expect(names[6]).toMatch(/^senior +all teachers +1024.* -$/);
  });
});

describe("a bar", () => {
  const running: BarState = {
    ...{ name: "RotH", state: "running", epoch: 11, epochs: 100, loss: 0.01234, mrr: 0.4567 },
    ...{ progress: 0.5, left: 65, note: "" },
  };

  test("counts epochs from 1, and leaves out what does not fit, the loss first", () => {
    const parts = "RotH  ██████░░░░░░  epoch  12/100  MRR 0.457  1 min 05 s left";
    expect(barLine(running, ["RotH"], 80)).toBe(`${parts}  loss 0.0123`);
    expect(barLine(running, ["RotH"], parts.length)).toBe(parts);
    expect(barLine(running, ["RotH"], 50)).toBe("RotH  ██████░░░░░░  epoch  12/100  MRR 0.457");
  });

  const names = ["RotH", "a-teacher-with-a-very-long-name-of-its-own"];
  test.each(["waiting", "running", "testing", "done"] as const)("that is %s fits 80 columns", (state) => {
    for (const name of names) {
      const states = [
        running,
        { ...running, mrr: undefined, left: undefined },
        { ...running, epoch: 99_999, epochs: 100_000, loss: 1e-12, left: 98_765, note: "there already" },
      ];
      for (const one of states) expect(widest(barLine({ ...one, name, state }, names, 80))).toBeLessThanOrEqual(80);
    }
  });

  test("shows the MRR of the split that was ranked", () => {
    expect(barLine({ ...running, state: "testing", note: "4.2 s" }, ["RotH"], 80)).toMatch(
      /valid MRR 0\.457 {2}4\.2 s$/,
    );
    expect(barLine({ ...running, state: "done", note: "4.2 s" }, ["RotH"], 80)).toMatch(/test MRR 0\.457 {2}4\.2 s$/);
  });
});
