import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { describe, expect, it } from "vitest";
import { ARCHIVE_LIMITS, extractArchive } from "../src/_archive.js";
import { loadDataset } from "../src/index.js";
import { directoryOf, failureOf, fileOf } from "./_files.js";

interface Member {
  readonly path: string;
  readonly content?: string;
  readonly type?: "File" | "Directory" | "SymbolicLink" | "Link" | "CharacterDevice" | "FIFO";
  readonly linkpath?: string;
}

/** Writes a tar archive by hand, because no ordinary program writes what these tests need. */
function tarOf(...members: readonly Member[]): Buffer {
  const blocks = members.map(({ path, content = "", type = "File", linkpath = "" }) => {
    const size = Buffer.byteLength(content);
    const header = Buffer.alloc(512);
    new Header({ path, size, type, linkpath, mode: 0o644, mtime: new Date(0) }).encode(header, 0);
    return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const train: Member = { path: "train.txt", content: "a\tr\tb\n" };

describe("extraction", () => {
  it("writes plain files, in directories too", async () => {
    const target = directoryOf();
    const archive = tarOf({ path: "./x/", type: "Directory" }, { path: "./x/y/a.txt", content: "hello" }, train);
    await extractArchive(fileOf(gzipSync(archive), "a.tgz"), target);
    expect(readFileSync(join(target, "x/y/a.txt"), "utf8")).toBe("hello");
    expect(readFileSync(join(target, "train.txt"), "utf8")).toBe(train.content);
  });

  it.each<[string, Member]>([
    ["a path through ..", { path: "../evil.txt", content: "x" }],
    ["a path through .. further in", { path: "a/../../evil.txt", content: "x" }],
    ["a path through .. in Windows's way", { path: "a\\..\\..\\evil.txt", content: "x" }],
    ["an absolute path", { path: "/tmp/mulde-evil.txt", content: "x" }],
    ["a drive", { path: "C:\\evil.txt", content: "x" }],
    ["a symbolic link", { path: "link", type: "SymbolicLink", linkpath: "/etc/passwd" }],
    ["a hard link", { path: "link", type: "Link", linkpath: "train.txt" }],
    ["a device", { path: "device", type: "CharacterDevice" }],
    ["a pipe", { path: "pipe", type: "FIFO" }],
  ])("refuses %s", async (_, member) => {
    const target = join(directoryOf({ "inside/deep/keep": "" }), "inside/deep");
    const path = fileOf(gzipSync(tarOf(train, member)), "evil.tar.gz");
    const error = await failureOf(extractArchive(path, target));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_UNSAFE_ARCHIVE", file: path });
    expect(readdirSync(dirname(target))).toEqual(["deep"]);
    expect(readdirSync(dirname(dirname(target)))).toEqual(["inside"]);
    expect(existsSync("/tmp/mulde-evil.txt")).toBe(false);
    expect(readdirSync(target).filter((name) => name !== "train.txt" && name !== "keep")).toEqual([]);
    expect(await failureOf(loadDataset(path))).toMatchObject({ code: "DATA_UNSAFE_ARCHIVE" });
  });

  it("refuses too many members and too many bytes", async () => {
    const many = fileOf(tarOf(...Array.from({ length: 5 }, (_, i) => ({ path: `${i}.txt` }))), "many.tar");
    await extractArchive(many, directoryOf(), { ...ARCHIVE_LIMITS, members: 5 });
    const tooMany = await failureOf(extractArchive(many, directoryOf(), { ...ARCHIVE_LIMITS, members: 4 }));
    expect(tooMany.message).toMatch(/many\.tar: it has more than 4 members/);
    const bomb = fileOf(gzipSync(tarOf({ path: "train.txt", content: "0".repeat(4 << 20) })), "bomb.tgz");
    const tooLarge = await failureOf(extractArchive(bomb, directoryOf(), { ...ARCHIVE_LIMITS, bytes: 2 << 20 }));
    expect(tooLarge.message).toMatch(/bomb\.tgz: it unpacks to more than 2097152 bytes/);
  });

  it("refuses a second member of the same name", async () => {
    await expect(extractArchive(fileOf(tarOf(train, train), "a.tar"), directoryOf())).rejects.toThrow(/train\.txt/);
  });

  it.each([
    [
      "a truncated archive",
      tarOf({ path: "train.txt", content: "x".repeat(5000) }).subarray(0, 2048),
      "DATA_BAD_ARCHIVE",
    ],
    ["a truncated gzip", gzipSync(tarOf(train)).subarray(0, 60), "DATA_BAD_GZIP"],
    ["another format", Buffer.from("PK\u0003\u0004".repeat(400)), "DATA_BAD_ARCHIVE"],
    ["an empty file", Buffer.alloc(0), "DATA_BAD_ARCHIVE"],
  ])("refuses %s", async (_, content, code) => {
    const error = await failureOf(extractArchive(fileOf(content, "a.tar"), directoryOf()));
    expect(error).toMatchObject({ name: "MuldeError", code });
    expect(error.message).toMatch(/a\.tar/);
  });
});
