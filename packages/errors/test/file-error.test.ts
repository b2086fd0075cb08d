import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fileError } from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "mulde-errors-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}

describe("fileError", () => {
  it("names the file, the reason and the fix of a read that failed", () => {
    const file = join(folder, "missing");
    const cause = thrown(() => readFileSync(file));
    const error = fileError("DATA_NOT_FOUND", "read", file, cause);
    expect(error).toMatchObject({ code: "DATA_NOT_FOUND", file, cause });
    expect(error.message).toBe(`${file}: there is no such file; check the path.`);
  });

  it("tells a write from a read", () => {
    mkdirSync(join(folder, "directory"));
    const cause = thrown(() => openSync(join(folder, "directory"), "w"));
    expect(fileError("X", "written", "f", cause).reason).toMatch(/^a directory is in the place of the file; /);
    expect(fileError("X", "read", "f", cause).reason).toMatch(/^this is a directory, not a file; /);
  });

  it("knows a path that leads through a file", () => {
    writeFileSync(join(folder, "file"), "");
    const cause = thrown(() => readFileSync(join(folder, "file", "below")));
    expect(fileError("X", "read", "f", cause).reason).toMatch(/^a part of the path is a file/);
  });

  it.each([
    ["ENOSPC", /^the disk is full; /],
    ["EROFS", /read-only/],
    ["EPERM", /may not write here/],
    ["EFBIG", /ulimit -f/],
    ["EEXIST", /^something else with this name is in the way; /],
    ["EIO", /^the file cannot be written \(odd\)\.$/],
  ])("knows %s", (code, reason) => {
    const cause = Object.assign(new Error("odd"), { code });
    expect(fileError("X", "written", "f", cause).reason).toMatch(reason);
  });

  it("tells its own error again under another code, with a sentence more", () => {
    const cause = Object.assign(new Error("odd"), { code: "EROFS" });
    const first = fileError("X", "written", "f", cause);
    const again = fileError("Y", "written", "g", first, "Nothing was lost.");
    expect(again).toMatchObject({ code: "Y", file: "g", reason: `${first.reason} Nothing was lost.`, cause: first });
  });

  it("quotes whatever else was thrown", () => {
    expect(fileError("X", "read", "f", "no").reason).toBe("the file cannot be read (no).");
  });
});
