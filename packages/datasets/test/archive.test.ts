import { existsSync, truncateSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { openArchive } from "../src/_archive.js";
import { UNPACK_LIMITS } from "../src/_limits.js";
import type { Source } from "../src/_source.js";
import { loadDataset } from "../src/index.js";
import { directoryOf, failureOf, fileOf, namesOf } from "./_files.js";
import type { Member } from "./_tar.js";
import { paxPath, tarOf } from "./_tar.js";

const train: Member = { path: "train.txt", content: "a\tr\tb\n" };
const rest: Member[] = [
  { path: "valid.txt", content: "b\tr\ta\n" },
  { path: "test.txt", content: "a\tr\ta\n" },
];

async function textOf(source: Source): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("an archive as a folder", () => {
  it("has the plain files, in directories too", async () => {
    const archive = tarOf({ path: "./x/", type: "Directory" }, { path: "./x/y/a.txt", content: "hello" }, train);
    const folder = await openArchive(fileOf(gzipSync(archive), "a.tgz"), {});
    expect(await folder.list()).toEqual({ files: ["train.txt"], directories: ["x"] });
    expect(await folder.list("x/y")).toEqual({ files: ["a.txt"], directories: [] });
    expect(await textOf(folder.source("x/y/a.txt"))).toBe("hello");
    expect(await textOf(folder.source("train.txt"))).toBe(train.content);
  });

  it("gives members of several mebibytes whole, in any order", async () => {
    const long = "0123456789".repeat(300_000);
    const members = [
      { path: "b.txt", content: long },
      train,
      { path: "empty.txt" },
      { path: "c.txt", content: `${long}!` },
    ];
    const folder = await openArchive(fileOf(tarOf(...members), "a.tar"), {});
    expect(await textOf(folder.source("c.txt"))).toBe(`${long}!`);
    expect(await textOf(folder.source("empty.txt"))).toBe("");
    expect(await textOf(folder.source("b.txt"))).toBe(long);
  });

  it("needs no temporary folder", async () => {
    vi.stubEnv("TMPDIR", "/nowhere");
    const path = fileOfOutside(gzipSync(tarOf(train, ...rest)));
    expect((await loadDataset(path)).train.length).toBe(1);
    vi.unstubAllEnvs();
  });

  it("may come from a Mac, with attributes beside each file and a folder of them", async () => {
    const content = Buffer.from("\0\x05\x16\x07\0\x02\0\0Mac OS X        ");
    const attributes = ["g/._train.txt", "__MACOSX/g/._train.txt", "__MACOSX/train.txt", "._g", "PaxHeader/valid.txt"];
    const members = [train, ...rest].flatMap((member) => [paxPath(`g/${member.path}`), member]);
    const archive = tarOf(...attributes.map((path) => ({ path, content })), ...members);
    const { train: triples, entities, relations } = await loadDataset(fileOf(gzipSync(archive), "mac.tgz"));
    expect(namesOf(triples, entities, relations)).toEqual(["a r b"]);
  });

  it("may have files that no data set needs, of any name and content", async () => {
    const others = ["x".repeat(200), "nul\x01.bin", "README.md", "train.old"].map((path) => ({
      path,
      content: "\0\xff",
    }));
    const dataset = await loadDataset(fileOf(tarOf(...others, train, ...rest), "a.tar"));
    expect(dataset.entities.size).toBe(2);
  });

  it("may have gzip members", async () => {
    const packed = [train, ...rest].map(({ path, content }) => ({ path: `${path}.gz`, content: gzipSync(content!) }));
    expect((await loadDataset(fileOf(gzipSync(tarOf(...packed)), "a.tgz"))).test.length).toBe(1);
  });
});

/** A file that does not depend on the temporary directory's name. */
function fileOfOutside(content: Uint8Array): string {
  const before = process.env.TMPDIR;
  delete process.env.TMPDIR;
  try {
    return fileOf(content, "a.tgz");
  } finally {
    process.env.TMPDIR = before;
  }
}

describe("an unsafe archive", () => {
  it.each<[string, Member, RegExp]>([
    ["a path through ..", { path: "../evil.txt", content: "x" }, /outside/],
    ["a path through .. further in", { path: "a/../../evil.txt", content: "x" }, /outside/],
    ["a path through .. in Windows's way", { path: "a\\..\\..\\evil.txt", content: "x" }, /outside/],
    ["an absolute path", { path: "/tmp/mulde-evil.txt", content: "x" }, /outside/],
    ["a drive", { path: "C:\\evil.txt", content: "x" }, /outside/],
    ["a symbolic link", { path: "link", type: "SymbolicLink", linkpath: "/etc/passwd" }, /SymbolicLink/],
    ["a hard link", { path: "link", type: "Link", linkpath: "train.txt" }, /Link/],
    ["a device", { path: "device", type: "CharacterDevice" }, /CharacterDevice/],
    ["a pipe", { path: "pipe", type: "FIFO" }, /FIFO/],
    ["a sparse file", { path: "valid.txt", type: "SparseFile", content: "x" }, /SparseFile/],
    ["a sparse file by name", { path: "GNUSparseFile.7/valid.txt", content: "1\n0\n6\nx" }, /sparse file/],
    ["a second file of the same name", { path: "./train.txt", content: "c\tr\td\n" }, /two members "train\.txt"/],
  ])("with %s is refused", async (_, member, message) => {
    const path = fileOf(gzipSync(tarOf(train, ...rest, member)), "evil.tar.gz");
    const error = await failureOf(loadDataset(path));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_UNSAFE_ARCHIVE", file: path });
    expect(error.message).toMatch(message);
    expect(existsSync("/tmp/mulde-evil.txt")).toBe(false);
  });

  it("with a path of ten thousand characters is refused, and the message is short", async () => {
    const path = fileOf(tarOf(paxPath("x".repeat(10_000)), train, ...rest), "a.tar");
    const error = await failureOf(loadDataset(path));
    expect(error).toMatchObject({ code: "DATA_UNSAFE_ARCHIVE", file: path });
    expect(error.message).toMatch(/x\.\.\." has a path of 10000 characters/);
    expect(error.message.length).toBeLessThan(500);
  });

  it("with too many members or headers is refused", async () => {
    const some = Array.from({ length: 998 }, (_, i) => ({ path: `${i}.md` }));
    await loadDataset(fileOf(tarOf(...some.slice(1), train, ...rest), "many.tar"));
    const members = await failureOf(loadDataset(fileOf(tarOf(...some, train, ...rest), "many.tar")));
    expect(members.message).toMatch(/many\.tar: it has more than 1000 members/);
    const long = Array.from({ length: 4001 }, () => paxPath("train.txt"));
    const headers = await failureOf(loadDataset(fileOf(tarOf(...long, train, ...rest), "many.tar")));
    expect(headers.message).toMatch(/many\.tar: it has more than 4000 headers/);
  });
});

describe("a damaged archive", () => {
  const whole = gzipSync(tarOf(train, ...rest));
  it.each([
    ["a truncated archive", tarOf({ ...train, content: "x".repeat(5000) }).subarray(0, 2048), "DATA_BAD_ARCHIVE"],
    ["a size that is not there", tarOf({ ...train, size: 2 ** 33 - 1 }, ...rest), "DATA_BAD_ARCHIVE"],
    ["a truncated gzip", whole.subarray(0, 60), "DATA_BAD_GZIP"],
    ["a gzip with garbage behind", Buffer.concat([whole, Buffer.from("garbage")]), "DATA_BAD_GZIP"],
    ["zip", Buffer.from("PK\u0003\u0004".repeat(400)), "DATA_FORMAT"],
    ["text", Buffer.from("a\tr\tb\n".repeat(400)), "DATA_BAD_ARCHIVE"],
    ["an empty archive", Buffer.alloc(10240), "DATA_BAD_ARCHIVE"],
    ["an empty file", Buffer.alloc(0), "DATA_BAD_ARCHIVE"],
  ])("such as %s is refused", async (_, content, code) => {
    const path = fileOf(content, "a.tar");
    expect(await failureOf(loadDataset(path))).toMatchObject({ name: "MuldeError", code, file: path });
  });
});

describe("a bomb", () => {
  const MiB = 2 ** 20;
  const limits = { ...UNPACK_LIMITS, unrated: MiB };
  const lines = "a\tr\tb\n".repeat((4 * MiB) / 6);

  it("is refused by its ratio, whichever layer unpacks", async () => {
    const outer = fileOf(gzipSync(tarOf({ path: "train.txt", content: lines }, ...rest)), "a.tgz");
    const tooMuch = await failureOf(openArchive(outer, { limits }));
    expect(tooMuch).toMatchObject({ code: "DATA_BOMB", file: outer });
    expect(tooMuch.message).toMatch(/more than 200 times its size/);
    for (const pack of [(tar: Buffer) => tar, gzipSync]) {
      const inner = fileOf(pack(tarOf({ path: "train.txt.gz", content: gzipSync(lines) }, ...rest)), "a.tar");
      const folder = await openArchive(inner, { limits });
      const source = folder.source("train.txt.gz");
      expect(() => {
        source.unpacked(lines.length, 0);
      }).toThrow(expect.objectContaining({ code: "DATA_BOMB", file: inner }) as Error);
    }
  });

  it("is told from honest members that are packed, in an archive that is not", async () => {
    const content = gzipSync(tarOf(train, ...rest));
    const path = fileOf(tarOf({ path: "train.txt.gz", content }, ...rest), "a.tar");
    const folder = await openArchive(path, { limits: { bytes: 4 * MiB, ratio: 200, unrated: 0 } });
    folder.source("train.txt.gz").unpacked(100_000, 100);
  });

  it("is refused by its bytes, those of all layers together", async () => {
    const path = fileOf(gzipSync(tarOf({ path: "train.txt.gz", content: gzipSync(lines) }, ...rest)), "a.tgz");
    const roomy = { bytes: 2 * MiB, ratio: 1e9, unrated: 0 };
    const folder = await openArchive(path, { limits: roomy });
    folder.source("train.txt.gz").unpacked(MiB, 0);
    expect(() => {
      folder.source("valid.txt").unpacked(MiB, 0);
    }).toThrow(/a\.tgz: it unpacks to more than 2097152 bytes/);
    const outer = fileOf(gzipSync(tarOf({ path: "train.txt", content: lines }, ...rest)), "a.tgz");
    expect(await failureOf(openArchive(outer, { limits: roomy }))).toMatchObject({ code: "DATA_BOMB" });
  });

  it("of half a gigabyte is refused with the default limits, whatever it holds", async () => {
    const zeros = Buffer.alloc(64 * MiB);
    // One stream of 512 MiB, one with a header, and gzip in gzip. Joining what follows the end again and again would take minutes.
    const half = gzipSync(Buffer.concat(Array.from({ length: 8 }, () => zeros)), { level: 1 });
    const member = gzipSync(tarOf({ path: "train.txt", content: zeros }, ...rest), { level: 1 });
    const codes = [];
    for (const content of [half, member, gzipSync(half), tarOf({ path: "train.txt.gz", content: half }, ...rest)]) {
      const error = await failureOf(loadDataset(fileOf(content, "bomb.tar.gz")));
      codes.push((error as { code?: string }).code);
    }
    expect(codes).toEqual(["DATA_BOMB", "DATA_BOMB", "DATA_FORMAT", "DATA_MALFORMED_LINE"]);
  }, 20_000);

  it("that hides in what follows the archive's end costs its length, not its square", async () => {
    const whole = tarOf(train, ...rest);
    const path = fileOf(Buffer.concat([whole, Buffer.alloc(8 * MiB, "x")]), "a.tar");
    expect((await loadDataset(path)).train.length).toBe(1);
    // A sparse file may claim any size.
    truncateSync(path, 2 ** 36);
    const error = await failureOf(loadDataset(path));
    expect(error).toMatchObject({ code: "DATA_BAD_ARCHIVE", file: path });
    expect(error.message).toMatch(/more than 16777216 bytes follow its end/);
  }, 20_000);
});

describe("an aborted signal", () => {
  it("ends unpacking with its reason", async () => {
    const members = Array.from({ length: 40 }, (_, i) => ({ path: `${i}.bin`, content: Buffer.alloc(1 << 20, i) }));
    const path = fileOf(tarOf(...members, train, ...rest), "a.tar");
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort(new Error("stopped by the user"));
    });
    expect(await failureOf(loadDataset(path, { signal: stop.signal }))).toMatchObject({
      message: "stopped by the user",
    });
    const before = AbortSignal.abort(new Error("before it began"));
    expect((await failureOf(loadDataset(directoryOf(), { signal: before }))).message).toBe("before it began");
  });
});
