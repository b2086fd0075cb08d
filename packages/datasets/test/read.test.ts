import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadOptions } from "../src/index.js";
import { readTriples } from "../src/index.js";
import { failureOf, fileOf, namesOf } from "./_files.js";

async function read(content: string | Uint8Array, options?: ReadOptions, name?: string): Promise<string[]> {
  const { triples, entities, relations } = await readTriples(fileOf(content, name), options);
  return namesOf(triples, entities, relations);
}

describe("delimited text", () => {
  const expected = ["a r b", "b s c"];

  it.each([
    ["LF", "a\tr\tb\nb\ts\tc\n"],
    ["CRLF", "a\tr\tb\r\nb\ts\tc\r\n"],
    ["no line end at the end", "a\tr\tb\nb\ts\tc"],
    ["blank lines", "\n\na\tr\tb\n  \r\nb\ts\tc\n\n"],
    ["a byte order mark", "\uFEFFa\tr\tb\nb\ts\tc\n"],
    ["gzip", gzipSync("a\tr\tb\nb\ts\tc\n")],
    ["gzip of two members", Buffer.concat([gzipSync("a\tr\tb\nb\t"), gzipSync("s\tc\n")])],
  ])("is read with %s", async (_, content) => {
    expect(await read(content)).toEqual(expected);
  });

  it("is read in any order of columns", async () => {
    for (const columns of ["hrt", "htr", "rht", "rth", "thr", "trh"] as const) {
      const line = (h: string, r: string, t: string): string => Array.from(columns, (c) => ({ h, r, t })[c]).join("\t");
      expect(await read(`${line("a", "r", "b")}\n${line("b", "s", "c")}\n`, { columns })).toEqual(expected);
    }
  });

  it("is read with any delimiter", async () => {
    expect(await read("a r b\nb s c\n", { delimiter: " " })).toEqual(expected);
    expect(await read("a|||r|||b\nb|||s|||c\n", { delimiter: "|||" })).toEqual(expected);
    expect(await read("a|r||b\n", { delimiter: "||" }).catch((error: unknown) => String(error))).toMatch(/2 fields/);
    expect(await read("a→r→b\nb→s→c\n", { delimiter: "→" })).toEqual(expected);
    expect(await read("a,r,b\nb,s,c\n", {}, "triples.csv")).toEqual(expected);
  });

  it("numbers names in order of appearance", async () => {
    const { entities, relations, triples } = await readTriples(fileOf("z\tr\ta\na\tq\tz\n"));
    expect(entities.names).toEqual(["z", "a"]);
    expect(relations.names).toEqual(["r", "q"]);
    expect(triples.heads).toEqual(Int32Array.of(0, 1));
  });

  it("keeps characters of several bytes whole across the borders of chunks", async () => {
    // Chunks are a mebibyte. With lines of odd length, several of their borders fall within a character.
    const lines = Array.from({ length: 120_000 }, (_, i) => `東京${i % 977}\t関係\t𝔘${i % 1013}é`);
    const { entities, relations, triples } = await readTriples(fileOf(lines.join("\n")));
    expect(namesOf(triples, entities, relations)).toEqual(lines.map((line) => line.replaceAll("\t", " ")));
    expect(entities.size).toBe(977 + 1013);
  });

  it("reads back whatever names were written", async () => {
    const name = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\t\r\n\uFEFF]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, name, name), { minLength: 1 }), async (triples) => {
        expect(await read(triples.map((triple) => `${triple.join("\t")}\n`).join(""))).toEqual(
          triples.map((triple) => triple.join(" ")),
        );
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["two fields", "a\tr\tb\na\tr\n", 2, /2 fields separated by "\\t" instead of 3/],
    ["four fields", "\na\tr\tb\tc\n", 2, /4 fields/],
    ["an empty field", "a\t\tb\n", 1, /an empty field/],
    ["only tabs", "a\tr\tb\r\n\t\t\r\n", 2, /an empty field/],
    ["the wrong delimiter", "a,r,b\n", 1, /1 fields.*"delimiter"/],
    ["bytes that are not UTF-8", Buffer.from([0x61, 9, 0x72, 9, 0xff, 10]), 1, /not UTF-8/],
    ["a line without end", "x".repeat(3 << 20), 1, /longer than/],
  ])("with %s names file and line", async (_, content, line, message) => {
    const path = fileOf(content);
    const error = await failureOf(readTriples(path));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_MALFORMED_LINE", file: path, line });
    expect(error.message).toMatch(message);
  });

  it("is refused if it is missing, empty or truncated, or if an option is wrong", async () => {
    expect(await failureOf(readTriples("/nowhere/triples.tsv"))).toMatchObject({ code: "DATA_NOT_FOUND" });
    expect(await failureOf(read("\n\n"))).toMatchObject({ code: "DATA_EMPTY" });
    const half = gzipSync("a\tr\tb\n".repeat(1000)).subarray(0, 30);
    expect(await failureOf(read(half))).toMatchObject({ code: "DATA_BAD_GZIP" });
    expect(await failureOf(read("a", { delimiter: "" }))).toMatchObject({
      code: "DATA_BAD_OPTION",
      path: ["delimiter"],
      value: "",
      message: "delimiter: must have at least one character.",
    });
    expect(await failureOf(read("a", { columns: "hht" as "hrt" }))).toMatchObject({
      code: "DATA_BAD_OPTION",
      path: ["columns"],
      value: "hht",
    });
    expect(await failureOf(read("a", 7 as unknown as ReadOptions))).toMatchObject({
      code: "DATA_BAD_OPTION",
      path: [],
      value: 7,
    });
    expect(await failureOf(readTriples(fileOf("").replace(/\/[^/]*$/, "")))).toMatchObject({ code: "DATA_UNREADABLE" });
  });
});

describe("RDF", () => {
  const turtle = '@prefix e: <http://e/> .\ne:a e:r e:b, _:x .\n_:x e:s e:é .\ne:a e:name "A" .\n';
  const statement = "<http://e/a> <http://e/r> <http://e/b> .\n";
  const names = ["http://e/a http://e/r http://e/b", "http://e/a http://e/r _:x", "_:x http://e/s http://e/é"];

  it("is read as N-Triples and Turtle, gzip or not", async () => {
    const ntriples = "<http://e/a> <http://e/r> <http://e/b> .\n# comment\n<http://e/a> <http://e/r> _:x .\n";
    expect(await read(ntriples, {}, "a.nt")).toEqual(names.slice(0, 2));
    expect(await read(gzipSync(ntriples), {}, "a.nt.gz")).toEqual(names.slice(0, 2));
    expect(await read(turtle, { literals: "skip" }, "a.ttl")).toEqual(names);
  });

  it("is read as a stream", async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `<http://e/東${i % 991}> <http://e/r> <http://e/${i}> .`);
    const triples = await read(lines.join("\n"), {}, "a.nt");
    expect(triples).toEqual(lines.map((line) => line.replaceAll(/[<>]| \.$/g, "")));
  });

  it("has literals refused unless they are to be skipped", async () => {
    const error = await failureOf(read(turtle, {}, "a.ttl"));
    expect(error).toMatchObject({ code: "DATA_LITERAL" });
    expect(error).toMatchObject({ line: 4, value: "A" });
    expect(error.message).toMatch(/a\.ttl:4: the object "A" of <http:\/\/e\/a> <http:\/\/e\/name> .*literals: "skip"/);
  });

  it.each([
    ["a broken statement", `${statement}<http://e/a> nonsense .\n`, 2, /a\.nt:2: this is not N-Triples: .*nonsense/],
    ["an unfinished statement", "<http://e/a> <http://e/r>", 1, /a\.nt:1: this is not N-Triples: /],
    ["bytes that are not UTF-8", Buffer.from([0x3c, 0xff, 0x3e]), 1, /a\.nt:1: .*not UTF-8/],
    ["such bytes further on", Buffer.concat([Buffer.from(statement.repeat(3)), Buffer.of(0xff)]), 4, /not UTF-8/],
    ["an unfinished character at its end", Buffer.concat([Buffer.from(statement), Buffer.of(0xc3)]), 2, /not UTF-8/],
  ])("with %s is refused, with its line", async (_, content, line, message) => {
    const error = await failureOf(read(content, {}, "a.nt"));
    expect(error).toMatchObject({ code: "DATA_MALFORMED_LINE", line });
    expect(error.message).toMatch(message);
  });

  it("has its lines counted over chunks, wherever a chunk ends", async () => {
    // Readers take chunks of a mebibyte. The comment ends so many bytes before the first border.
    const MiB = 1 << 20;
    const filled = (bytes: number): Buffer => Buffer.from(`#${"-".repeat(bytes - 2)}\n`);
    const wrong = async (...parts: readonly (Buffer | string)[]): Promise<number | undefined> => {
      const error = await failureOf(read(Buffer.concat(parts.map((part) => Buffer.from(part))), {}, "a.nt"));
      expect(error).toMatchObject({ code: "DATA_MALFORMED_LINE" });
      return (error as { line?: number }).line;
    };
    const damage = Buffer.of(0xff);
    expect(await wrong(filled(MiB), statement, damage)).toBe(3);
    expect(await wrong(filled(MiB - 2), "#é", "\n", damage, "\n")).toBe(3);
    expect(await wrong(filled(MiB - 2), "#", Buffer.of(0xc3), "x\n", statement)).toBe(2);
    expect(await wrong(filled(MiB), statement, statement, "#", Buffer.of(0xc3, 0x0a))).toBe(4);
    expect(await wrong(filled(MiB), statement, "<http://e/a> nonsense .\n")).toBe(3);
  });

  it("names the line of a literal over chunks, and of a long one where it begins", async () => {
    const text = `@prefix e: <http://e/> .\n${"e:a e:r e:b .\n".repeat(90_000)}e:a e:name\n  """two\nlines""" .\n`;
    const error = await failureOf(read(text, {}, "a.ttl"));
    expect(error).toMatchObject({ code: "DATA_LITERAL", line: 90_003, value: "two\nlines" });
  });
});
