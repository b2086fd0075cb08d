import { describe, expect, it } from "vitest";
import type * as Copy from "../src/error.js";
import { closest, hasCode, MuldeError } from "../src/index.js";

describe("MuldeError", () => {
  it("composes its message of the place and the reason", () => {
    const fields = { file: "run.yaml", line: 7, path: ["teachers", 0, "dim"], value: 3 };
    const error = new MuldeError("TRAINER_OPTION", "It must be even.", fields);
    expect(error.message).toBe("run.yaml:7, teachers.0.dim: It must be even.");
    expect(error).toMatchObject({ ...fields, name: "MuldeError", code: "TRAINER_OPTION", reason: "It must be even." });
  });

  it("is its reason alone where no place is known", () => {
    expect(new MuldeError("A_CODE", "It is wrong.").message).toBe("It is wrong.");
  });

  it("shows a path without a file, and a file without a line", () => {
    expect(new MuldeError("A_CODE", "Wrong.", { path: ["a", "b"] }).message).toBe("a.b: Wrong.");
    expect(new MuldeError("A_CODE", "Wrong.", { file: "x.tsv" }).message).toBe("x.tsv: Wrong.");
  });

  it("moves to a place that its thrower did not know, with the outer path in front", () => {
    const cause = new Error("behind it");
    const thrown = new MuldeError("A_CODE", "Wrong.", { path: ["dim"], value: 3, cause });
    const moved = thrown.at({ file: "run.yaml", line: 2, path: ["junior"] });
    expect(moved.message).toBe("run.yaml:2, junior.dim: Wrong.");
    expect(moved).toMatchObject({ code: "A_CODE", reason: "Wrong.", value: 3, cause });
  });

  it("is recognised by instanceof when it comes from another copy of the package", async () => {
    // A query string makes the loader evaluate the module a second time.
    const path = "../src/error.ts?copy";
    const other = (await import(path)) as typeof Copy;
    expect(other.MuldeError).not.toBe(MuldeError);
    expect(new other.MuldeError("A_CODE", "Wrong.")).toBeInstanceOf(MuldeError);
    expect(new MuldeError("A_CODE", "Wrong.")).toBeInstanceOf(other.MuldeError);
  });

  it("does not take other errors, or values, for its own", () => {
    for (const value of [new Error("x"), { code: "A_CODE" }, null, undefined, "x"]) {
      expect(value instanceof MuldeError).toBe(false);
    }
  });

  it("tells subclasses apart", () => {
    class Usage extends MuldeError {}
    expect(new Usage("A", "x.")).toBeInstanceOf(MuldeError);
    expect(new Usage("A", "x.")).toBeInstanceOf(Usage);
    expect(new MuldeError("A", "x.")).not.toBeInstanceOf(Usage);
  });
});

describe("hasCode", () => {
  it("holds for a MuldeError with one of the codes", () => {
    const error: unknown = new MuldeError("B", "x.");
    expect(hasCode(error, "A", "B")).toBe(true);
    expect(hasCode(error, "A")).toBe(false);
    expect(hasCode(Object.assign(new Error("x"), { code: "B" }), "B")).toBe(false);
  });
});

describe("closest", () => {
  it("finds the nearest name, letter case aside", () => {
    expect(closest("roth", ["RotE", "RotH", "RefH"])).toBe("RotH");
    expect(closest("learnigRate", ["learningRate", "epochs"])).toBe("learningRate");
  });

  it("finds none where every name is further than a third of its length", () => {
    expect(closest("abc", ["xyz"])).toBeUndefined();
    expect(closest("", ["a"])).toBeUndefined();
  });
});
