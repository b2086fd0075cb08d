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
      const line = (h: string, r: string, t: string): string => [...columns].map((c) => ({ h, r, t })[c]).join("\t");
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
    // Chunks are a mebibyte: with lines of odd length, several borders fall within a character.
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
    ["two fields", "a\tr\tb\na\tr\n", 2, /2 fields instead of 3/],
    ["four fields", "\na\tr\tb\tc\n", 2, /4 fields/],
    ["an empty field", "a\t\tb\n", 1, /an empty field/],
    ["only tabs", "a\tr\tb\r\n\t\t\r\n", 2, /an empty field/],
    ["the wrong delimiter", "a,r,b\n", 1, /1 fields.*"delimiter"/],
    ["bytes that are not UTF-8", Buffer.from([0x61, 9, 0x72, 9, 0xff, 10]), 1, /not UTF-8/],
    ["a line without end", "x".repeat(3 << 20), 1, /longer than/],
  ])("with %s names file and line", async (_, content, line, message) => {
    const path = fileOf(content);
    const error = await failureOf(readTriples(path));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_MALFORMED_LINE" });
    expect(error.message).toContain(`${path}:${line}:`);
    expect(error.message).toMatch(message);
  });

  it("refuses what is not there, empty, truncated or badly asked for", async () => {
    expect(await failureOf(readTriples("/nowhere/triples.tsv"))).toMatchObject({ code: "DATA_NOT_FOUND" });
    expect(await failureOf(read("\n\n"))).toMatchObject({ code: "DATA_EMPTY" });
    const half = gzipSync("a\tr\tb\n".repeat(1000)).subarray(0, 30);
    expect(await failureOf(read(half))).toMatchObject({ code: "DATA_BAD_GZIP" });
    expect(await failureOf(read("a", { delimiter: "" }))).toMatchObject({ code: "DATA_BAD_OPTION" });
    expect(await failureOf(read("a", { columns: "hht" as "hrt" }))).toMatchObject({ code: "DATA_BAD_OPTION" });
    expect(await failureOf(readTriples(fileOf("").replace(/\/[^/]*$/, "")))).toMatchObject({ code: "DATA_UNREADABLE" });
  });
});

describe("RDF", () => {
  const turtle = '@prefix e: <http://e/> .\ne:a e:r e:b, _:x .\n_:x e:s e:é .\ne:a e:name "A" .\n';
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
    expect(error.message).toMatch(/a\.ttl: the object "A" of <http:\/\/e\/a> <http:\/\/e\/name> .*literals: "skip"/);
  });

  it.each([
    ["a broken statement", "<http://e/a> <http://e/r> <http://e/b> .\n<http://e/a> nonsense .\n", /a\.nt:2: /],
    ["an unfinished statement", "<http://e/a> <http://e/r>", /a\.nt:1: /],
    ["bytes that are not UTF-8", Buffer.from([0x3c, 0xff, 0x3e]), /not UTF-8/],
  ])("with %s is refused", async (_, content, message) => {
    const error = await failureOf(read(content, {}, "a.nt"));
    expect(error).toMatchObject({ code: "DATA_MALFORMED_LINE" });
    expect(error.message).toMatch(message);
  });
});
