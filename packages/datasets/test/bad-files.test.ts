import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { geteuid, seteuid } from "node:process";
import { crc32, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { ReadOptions } from "../src/index.js";
import { loadDataset, readTriples } from "../src/index.js";
import { directoryOf, failureOf, fileOf, namesOf } from "./_files.js";

const line = "a\tr\tb\n";

async function read(content: string | Uint8Array, name?: string, options?: ReadOptions): Promise<string[]> {
  const { triples, entities, relations } = await readTriples(fileOf(content, name), options);
  return namesOf(triples, entities, relations);
}

async function refusal(content: string | Uint8Array, name?: string): Promise<Error & { code?: string; line?: number }> {
  return failureOf(read(content, name, { literals: "skip" }));
}

describe("a file of another format", () => {
  const tail = Buffer.alloc(600, 0x20);
  it.each<[string, Buffer, string]>([
    ["zip", Buffer.from("PK\x03\x04"), "unzip"],
    ["an empty zip", Buffer.from("PK\x05\x06"), "unzip"],
    ["7z", Buffer.from("7z\xbc\xaf\x27\x1c", "latin1"), "7z x"],
    ["xz", Buffer.from("\xfd7zXZ\0", "latin1"), "unxz"],
    ["bzip2", Buffer.from("BZh91AY&SY"), "bunzip2"],
    ["zstd", Buffer.of(0x28, 0xb5, 0x2f, 0xfd), "unzstd"],
    ["Parquet", Buffer.from("PAR1"), "tab-separated"],
    ["UTF-16, little end first", Buffer.from("\uFEFFa\tr\tb\n", "utf16le"), "convert it to UTF-8"],
    ["UTF-16, big end first", Buffer.from("\uFEFFa\tr\tb\n", "utf16le").swap16(), "convert it to UTF-8"],
    ["gzip in gzip", gzipSync(gzipSync(line)), "gzip file within a gzip file"],
    ["tar", Buffer.concat([Buffer.alloc(257), Buffer.from("ustar")]), "tar archive"],
  ])("such as %s is named, with the way to convert it", async (_, start, fix) => {
    const content = Buffer.concat([start, tail]);
    for (const name of ["a.tsv", "a.nt", "a.ttl"]) {
      const error = await refusal(start[0] === 0x1f ? start : content, name);
      expect(error).toMatchObject({ name: "MuldeError", code: "DATA_FORMAT" });
      expect(error.message).toContain(fix);
    }
    const dataset = directoryOf({
      "train.txt": start[0] === 0x1f ? start : content,
      "valid.txt": line,
      "test.txt": line,
    });
    expect(await failureOf(loadDataset(dataset))).toMatchObject({
      code: "DATA_FORMAT",
      file: join(dataset, "train.txt"),
    });
    expect((await failureOf(loadDataset(join(dataset, "train.txt")))).message).toContain(fix);
  });

  it("is not suspected in text that begins like one", async () => {
    expect(await read("BZh9\tr\tb\nPK\tr\tb\n")).toEqual(["BZh9 r b", "PK r b"]);
  });
});

describe("gzip", () => {
  const packed = gzipSync(line.repeat(100));
  const broken = Buffer.from(packed);
  broken.writeUInt32LE(crc32(Buffer.from("other")), packed.length - 8);

  it.each<[string, Buffer]>([
    ["truncated", packed.subarray(0, -4)],
    ["that is its header alone", packed.subarray(0, 8)],
    ["with a wrong checksum", broken],
    ["with garbage behind", Buffer.concat([packed, Buffer.from("garbage")])],
    ["with zeros and garbage behind", Buffer.concat([packed, Buffer.alloc(100), Buffer.from("garbage")])],
    ["with zeros and another gzip behind", Buffer.concat([packed, Buffer.alloc(3 << 20), packed])],
  ])("%s is refused, with the file", async (_, content) => {
    const path = fileOf(content);
    expect(await failureOf(readTriples(path))).toMatchObject({ name: "MuldeError", code: "DATA_BAD_GZIP", file: path });
  });

  it("of several members, padded with zeros, is read whole", async () => {
    expect(await read(Buffer.concat([packed, packed]))).toHaveLength(200);
    expect(await read(Buffer.concat([packed, packed, Buffer.alloc(3 << 20)]))).toHaveLength(200);
  });

  it("padded without end is refused, and not read to its end", async () => {
    const path = fileOf(packed);
    truncateSync(path, 2 ** 36);
    expect(await failureOf(readTriples(path))).toMatchObject({ code: "DATA_BAD_GZIP", file: path });
  }, 10_000);

  it("whose text is honest but far too much for its size is refused", async () => {
    const path = fileOf(gzipSync(line.repeat(4 << 20)), "a.tsv");
    expect(await failureOf(readTriples(path))).toMatchObject({ code: "DATA_BOMB", file: path });
  });
});

describe("a line without an end", () => {
  it.each([
    ["text", "a.tsv", Buffer.alloc(40 << 20, "x"), /longer than 1048576 bytes; pass a text file/],
    ["NULs", "a.csv", Buffer.alloc(40 << 20), /longer than 1048576 bytes/],
    ["gzip", "a.tsv", gzipSync(Buffer.alloc(8 << 20, "x")), /longer than 1048576 bytes/],
    ["carriage returns", "a.tsv", Buffer.from("a\tr\tb\r".repeat(1 << 20)), /old Mac files.*tr '\\r' '\\n'/],
    ["an IRI", "a.nt", Buffer.from(`<http://${"x".repeat(40 << 20)}`), /longer than 1048576 characters/],
    ["a literal", "a.ttl", Buffer.from(`<a:a> <a:r> """${"x\n".repeat(20 << 20)}`), /longer than 1048576 characters/],
    ["a prefix", "a.ttl", Buffer.from(`@prefix ${"x".repeat(40 << 20)}`), /longer than 1048576 characters/],
    ["a comment", "a.ttl", Buffer.from(`#${"x".repeat(40 << 20)}`), /longer than 1048576 characters/],
  ])(
    "is refused for %s",
    async (_, name, content, message) => {
      const error = await refusal(content, name);
      expect(error).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 1 });
      expect(error.message).toMatch(message);
      expect(error.message.length).toBeLessThan(600);
    },
    10_000,
  );

  it("of a gigabyte is refused without being read", async () => {
    for (const name of ["huge.tsv", "huge.nt", "huge.ttl", "huge.csv"]) {
      const path = fileOf(name.endsWith("v") ? "x" : "<", name);
      truncateSync(path, 2 ** 30);
      expect(await failureOf(readTriples(path))).toMatchObject({ code: "DATA_MALFORMED_LINE", file: path });
    }
  }, 10_000);

  it("is told from long lines, which may have a mebibyte", async () => {
    const name = "n".repeat((1 << 20) - 4);
    expect(await read(`${name}\tr\tb\n`)).toEqual([`${name} r b`]);
    expect(await refusal(`${name}n\tr\tb\n`)).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 1 });
    expect(await refusal(`${line}${name}n\tr\tb`)).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 2 });
  });
});

describe("RDF", () => {
  it("is refused if it nests without end", async () => {
    for (const opening of ["[ <a:r> ", "( "]) {
      const error = await refusal(`<a:a> <a:r>\n${opening.repeat(100_000)}`, "a.ttl");
      expect(error).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 2 });
      expect(error.message).toMatch(/1000 deep/);
    }
    const flat = "<a:a> <a:r> [ <a:r> ( <a:a> ) ] .\n".repeat(2000);
    expect(await read(flat, "a.ttl")).toHaveLength(8000);
  });

  it("may stand in one line of many statements", async () => {
    expect(await read("<a:a> <a:r> <a:b> . ".repeat(120_000), "a.ttl")).toHaveLength(120_000);
  });

  it("may have more blank lines than a token may have characters", async () => {
    expect(await read(`<a:a> <a:r> <a:b> .${"\n".repeat(5 << 20)}<a:a> <a:r> <a:c> .`, "a.nt")).toHaveLength(2);
  });

  it.each([
    ["a tab", "<a:a> <a:r> <a:b\\u0009c> ."],
    ["a line feed", "<a:a> <a:r> <a:b\\u000Ac> ."],
    ["a NUL", "<a:a> <a:r> <a:b\\u0000c> ."],
    ["half a surrogate pair", "<a:a> <a:r> <a:b\\uD800c> ."],
  ])("with %s escaped in a name is refused with its line", async (_, statement) => {
    for (const name of ["a.nt", "a.ttl"]) {
      expect(await refusal(`<a:a> <a:r> <a:b> .\n${statement}\n`, name)).toMatchObject({
        code: "DATA_MALFORMED_LINE",
        line: 2,
      });
    }
  });

  it("is refused for bytes that are not UTF-8, in a literal or comment too", async () => {
    for (const before of ['<a:a> <a:r> "', "# ", "<a:a> <a:r> <a:"]) {
      const content = Buffer.concat([
        Buffer.from(`<a:a> <a:r> <a:b> .\n${before}`),
        Buffer.of(0xe9),
        Buffer.from('" .\n'),
      ]);
      for (const name of ["a.nt", "a.ttl"]) {
        expect(await refusal(content, name)).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 2 });
      }
    }
  });
});

describe("a name that a model directory cannot hold", () => {
  it.each([
    ["a tab", "a,r,b\nAl\tba,knows,Bero\n", "a.csv", /a\.csv:2: The name "Al\\tba" has a tab.*rename it/],
    ["a carriage return", "a\tr\tb\na\tr\rx\tb\n", "a.tsv", /a\.tsv:2: The name "r\\rx" has a carriage return/],
    ["a NUL", "a\tr\tb\na\tr\tb\0\n", "a.tsv", /a\.tsv:2: The name "b\\u0000" has a NUL/],
  ])("is refused for %s, with file and line", async (_, content, name, message) => {
    const error = await refusal(content, name);
    expect(error).toMatchObject({ code: "DATA_BAD_NAME", line: 2 });
    expect(error.message).toMatch(message);
  });

  it("is refused in OpenKE's files too", async () => {
    const directory = directoryOf({
      "entity2id.txt": "2\na 0\nNew\tYork 1\n",
      "relation2id.txt": "1\nr 0\n",
      ...Object.fromEntries(["train", "valid", "test"].map((split) => [`${split}2id.txt`, "1\n0 1 0\n"])),
    });
    const error = await failureOf(loadDataset(directory));
    expect(error).toMatchObject({ code: "DATA_BAD_NAME", file: join(directory, "entity2id.txt"), line: 3 });
  });

  it("is refused before the rest of a long line of blanks costs its square", async () => {
    const directory = directoryOf({
      "entity2id.txt": `1\na${" ".repeat(500_000)}b\n`,
      "relation2id.txt": "1\nr 0\n",
      ...Object.fromEntries(["train", "valid", "test"].map((split) => [`${split}2id.txt`, "1\n0 0 0\n"])),
    });
    expect(await failureOf(loadDataset(directory))).toMatchObject({ code: "DATA_MALFORMED_LINE", line: 2 });
  }, 10_000);

  it("is told from old Mac line ends, which are named as such", async () => {
    expect((await refusal("a\tr\tb\rb\tr\ta\r")).message).toMatch(/5 fields .*old Mac files do: convert them/);
  });
});

/** Runs as a user whom permissions concern. They do not concern root, who runs tests in containers. */
async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  if (geteuid?.() !== 0) return run();
  seteuid?.(65534);
  try {
    return await run();
  } finally {
    seteuid?.(0);
  }
}

// Windows has no such devices, pipes and rights.
describe.skipIf(process.platform === "win32")("what is not a plain file", () => {
  it("is refused at once, directly or through a link, by name", async () => {
    const directory = directoryOf({ "valid.txt": line, "test.txt": line });
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    mkdirSync(join(directory, "folder"));
    for (const [path, kind] of [
      ["/dev/zero", "a device"],
      ["/dev/stdin", undefined],
      [pipe, "a pipe"],
      [join(directory, "folder"), "a directory"],
    ] as const) {
      const error = await failureOf(readTriples(path));
      expect(error).toMatchObject({ name: "MuldeError", file: path });
      if (kind !== undefined) expect(error).toMatchObject({ code: "DATA_UNREADABLE", value: kind });
    }
    symlinkSync(pipe, join(directory, "train.txt"));
    expect((await failureOf(loadDataset(directory))).message).toMatch(/train\.txt: this is a pipe, not a file/);
    expect(await failureOf(loadDataset(pipe))).toMatchObject({ code: "DATA_UNREADABLE", file: pipe });
    execFileSync("mkfifo", [`${pipe}.tar`]);
    expect(await failureOf(loadDataset(`${pipe}.tar`))).toMatchObject({ code: "DATA_UNREADABLE" });
  }, 10_000);

  it("or may not be read says so", async () => {
    const directory = directoryOf({ "train.txt": line, "valid.txt": line, "test.txt": line, "closed/x": "" });
    chmodSync(directory, 0o755);
    chmodSync(join(directory, "train.txt"), 0);
    chmodSync(join(directory, "closed"), 0);
    const failures = await asNobody(async () => [
      await failureOf(loadDataset(directory)),
      await failureOf(loadDataset(join(directory, "closed"))),
      await failureOf(readTriples(join(directory, "closed/x"))),
    ]);
    ["train.txt", "closed", "closed/x"].forEach((name, i) => {
      expect(failures[i]).toMatchObject({ code: "DATA_UNREADABLE", file: join(directory, name) });
      expect(failures[i]!.message).toMatch(/this process may not read it/);
    });
  });

  it("or has impossible names is refused with a reason", async () => {
    const loop = join(directoryOf(), "loop");
    symlinkSync(loop, loop);
    expect(await failureOf(readTriples(loop))).toMatchObject({ code: "DATA_UNREADABLE", file: loop });
    expect((await failureOf(readTriples(loop))).message).toMatch(/circle/);
    for (const load of [readTriples, loadDataset]) {
      const long = `/tmp/${"x".repeat(300)}.tsv`;
      expect((await failureOf(load(long))).message).toMatch(/the name is too long/);
      const below = join(fileOf(line), "a.tsv");
      expect((await failureOf(load(below))).message).toMatch(/a part of the path is a file/);
    }
  });

  it("or has nothing in it is empty", async () => {
    for (const content of ["", "\n\n  \n", "\uFEFF", "\uFEFF\n", gzipSync(""), "# comment\n"]) {
      const name = content === "# comment\n" ? "a.nt" : "a.tsv";
      expect(await refusal(content, name)).toMatchObject({ code: "DATA_EMPTY" });
    }
    const directory = directoryOf({ "valid.txt": line, "test.txt": line });
    writeFileSync(join(directory, "train.txt"), "");
    expect(await failureOf(loadDataset(directory))).toMatchObject({ code: "DATA_EMPTY" });
  });
});

describe("an aborted signal", () => {
  it.each([
    ["a.tsv", "a\tr\tb\n".repeat(1 << 20)],
    ["a.nt", "<a:a> <a:r> <a:b> .\n".repeat(200_000)],
  ])("ends the reading of %s in its middle, with its reason", async (name, content) => {
    const path = fileOf(content, name);
    const stop = new AbortController();
    // Only heard if the event loop turns while the file is parsed.
    setTimeout(() => {
      stop.abort(new Error("stopped by the user"));
    });
    const error = await failureOf(readTriples(path, { signal: stop.signal }));
    expect(error.message).toBe("stopped by the user");
  });

  it("that is none is a wrong option", async () => {
    const signal = {} as AbortSignal;
    expect(await failureOf(readTriples(fileOf(line), { signal }))).toMatchObject({
      code: "DATA_BAD_OPTION",
      path: ["signal"],
    });
  });
});
