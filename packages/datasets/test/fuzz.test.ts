import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../src/index.js";
import { createDataset, loadDataset, MuldeError, readTriples, tripleList } from "../src/index.js";
import { directoryOf } from "./_files.js";
import { tarOf } from "./_tar.js";

const names = ["Alba", "Köln", "東京", "new york", "𝔘"];
const relations = ["knows", "_part of"];
const facts = Array.from({ length: 30 }, (_, i) => [names[i % 5]!, relations[i % 2]!, names[(i * 3) % 5]!] as const);
const iri = (name: string): string => `<http://e/${encodeURIComponent(name)}>`;

const tsv = facts.map((fact) => `${fact.join("\t")}\n`).join("");
const nt = facts.map((fact) => `${fact.map(iri).join(" ")} .\n`).join("");
const turtle = `\uFEFF@prefix e: <http://e/> .\n# a comment\ne:a e:r [ e:s ( e:b "x"@en """long\none""" 7 ) ], _:x ; a e:é\\,c .\n${nt}`;
const ids = (rows: readonly (readonly number[])[]): string =>
  `${rows.length}\n${rows.map((row) => `${row.join(" ")}\n`).join("")}`;
const numbered = (all: readonly string[]): string =>
  `${all.length}\n${all.map((name, id) => `${name}\t${id}\n`).join("")}`;
const openKe = ids(facts.map(([h, r, t]) => [names.indexOf(h), names.indexOf(t), relations.indexOf(r)]));
const members = ["train.txt", "valid.txt", "g/test.txt"].map((path) => ({
  path: path.replace("g/", ""),
  content: tsv,
}));

type Load = (directory: string) => Promise<Dataset>;

/** A file of triples becomes a data set without splits, so that all formats are checked alike. */
function single(file: string): Load {
  return async (directory) => {
    const { triples, ...vocabularies } = await readTriples(join(directory, file), { literals: "skip" });
    const none = tripleList([], [], []);
    return createDataset({ name: file, ...vocabularies, train: triples, valid: none, test: none });
  };
}

/** Of each format: its files, which of them is damaged, and how it is loaded. */
const FORMATS: Readonly<Record<string, { files: Record<string, string | Buffer>; damaged: string; load: Load }>> = {
  tsv: { files: { "a.tsv": tsv }, damaged: "a.tsv", load: single("a.tsv") },
  csv: { files: { "a.csv": tsv.replaceAll("\t", ",") }, damaged: "a.csv", load: single("a.csv") },
  "N-Triples": { files: { "a.nt": nt }, damaged: "a.nt", load: single("a.nt") },
  Turtle: { files: { "a.ttl": turtle }, damaged: "a.ttl", load: single("a.ttl") },
  gzip: { files: { "a.nt.gz": gzipSync(nt) }, damaged: "a.nt.gz", load: single("a.nt.gz") },
  tar: { files: { "a.tar": tarOf(...members) }, damaged: "a.tar", load: (path) => loadDataset(join(path, "a.tar")) },
  "tar.gz": {
    files: { "a.tar.gz": gzipSync(tarOf(...members)) },
    damaged: "a.tar.gz",
    load: (path) => loadDataset(join(path, "a.tar.gz")),
  },
  ...Object.fromEntries(
    ["entity2id.txt", "train2id.txt"].map((damaged) => {
      const splits = { "train2id.txt": openKe, "valid2id.txt": openKe, "test2id.txt": openKe };
      const files = { ...splits, "entity2id.txt": numbered(names), "relation2id.txt": numbered(relations) };
      return [`OpenKE's ${damaged}`, { files, damaged, load: loadDataset }];
    }),
  ),
};

/** What may happen to bytes: places are shares of the length, so that they mean something whatever came before. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .constantFrom("\0", "\t", "\n", "\r", "\r\n", "\uFEFF", '"', "<", "\\u0009", "[", "(", "2147483648 ", "-1", " ")
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom([0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x1f, 0x8b], [0xff, 0xfe])
    .map((bytes) => Buffer.from(bytes)),
);
const damage = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("cut" as const), at: place }),
  fc.record({ kind: fc.constant("remove" as const), at: place, length: fc.nat(600) }),
  fc.record({ kind: fc.constant("insert" as const), at: place, piece }),
  fc.record({
    kind: fc.constant("repeat" as const),
    at: place,
    length: fc.nat(600),
    times: fc.integer({ min: 2, max: 50 }),
  }),
);
type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

function damagedBy(bytes: Buffer, change: Damage): Buffer {
  const at = Math.floor(change.at * bytes.length);
  if (change.kind === "flip") {
    const flipped = Buffer.from(bytes);
    if (flipped.length > 0) flipped[at]! ^= 1 << change.bit;
    return flipped;
  }
  if (change.kind === "cut") return bytes.subarray(0, at);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (change.kind === "remove") return Buffer.concat([before, after.subarray(change.length)]);
  if (change.kind === "insert") return Buffer.concat([before, change.piece, after]);
  const again = after.subarray(0, change.length);
  return Buffer.concat([before, ...Array.from({ length: change.times }, () => again), after]);
}

function expectConsistent({ entities, relations, ...dataset }: Dataset): void {
  for (const { heads, relations: labels, tails, length } of [dataset.train, dataset.valid, dataset.test]) {
    expect([heads.length, labels.length, tails.length]).toEqual([length, length, length]);
    const inside = (ids: Int32Array, size: number): boolean => ids.every((id) => id >= 0 && id < size);
    expect(inside(heads, entities.size) && inside(tails, entities.size) && inside(labels, relations.size)).toBe(true);
  }
  expect(dataset.train.length).toBeGreaterThan(0);
  for (const vocabulary of [entities, relations]) {
    expect(new Set(vocabulary.names).size).toBe(vocabulary.size);
    expect(vocabulary.names.filter((name) => name === "" || /[\t\r\n\0]|\p{Cs}/u.test(name))).toEqual([]);
  }
}

describe("whatever happens to a file", () => {
  it.each(Object.entries(FORMATS))(
    "of %s, it is a sound data set or one clear error",
    async (_, { files, damaged, load }) => {
      const directory = directoryOf(files);
      expectConsistent(await load(directory));
      let sound = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (changes) => {
          const content = changes.reduce(damagedBy, Buffer.from(files[damaged]!));
          writeFileSync(join(directory, damaged), content);
          try {
            expectConsistent(await load(directory));
            sound++;
          } catch (error) {
            if (!(error instanceof MuldeError)) throw error;
            expect(error.code).toMatch(/^DATA_/);
            expect(error.file).toMatch(new RegExp(`^${directory}`));
            expect(error.message.length).toBeLessThan(2000);
          }
        }),
        { seed: 19, numRuns: 300, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
      );
      // Of some formats, hardly any damage goes unnoticed; all keep what is sound.
      expect(sound).toBeLessThan(300);
    },
    60_000,
  );
});
