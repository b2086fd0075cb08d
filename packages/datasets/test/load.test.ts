import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { create } from "tar";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../src/index.js";
import { concatTriples, createDataset, loadDataset, tripleList, Vocabulary } from "../src/index.js";
import { directoryOf, failureOf, namesOf } from "./_files.js";

const train = "a\tr\tb\nb\ts\tc\n";
const valid = "b\tr\td\n";
const test = "e\tq\ta\n";

function expectTheGraph({ entities, relations, ...dataset }: Dataset): void {
  expect(entities.names).toEqual(["a", "b", "c", "d", "e"]);
  expect(relations.names).toEqual(["r", "s", "q"]);
  expect(namesOf(dataset.train, entities, relations)).toEqual(["a r b", "b s c"]);
  expect(namesOf(dataset.valid, entities, relations)).toEqual(["b r d"]);
  expect(namesOf(dataset.test, entities, relations)).toEqual(["e q a"]);
}

describe("a directory", () => {
  it.each([
    ["train.txt, valid.txt, test.txt", { "train.txt": train, "valid.txt": valid, "test.txt": test }],
    [
      "dev instead of valid, other files beside",
      { "train.tsv": train, "dev.tsv": valid, "test.tsv": test, README: "" },
    ],
    ["no extensions and gzip", { train: gzipSync(train), "valid.gz": gzipSync(valid), "test.txt.gz": gzipSync(test) }],
    ["csv", { "train.csv": train.replaceAll("\t", ","), "valid.csv": valid.replaceAll("\t", ","), "test.txt": test }],
    ["files one directory deep", { "x/train.txt": train, "x/valid.txt": valid, "x/test.txt": test, "y/z.txt": "" }],
  ])("is loaded with %s", async (_, files) => {
    const directory = directoryOf(files);
    const dataset = await loadDataset(directory);
    expectTheGraph(dataset);
    expect(dataset.name).toBe(basename(directory));
    expect(dataset.source).toBe(directory);
  });

  it("is loaded with other columns", async () => {
    const swap = (text: string): string => text.replaceAll(/^(.*)\t(.*)\t(.*)$/gm, "$1\t$3\t$2");
    const directory = directoryOf({ "train.txt": swap(train), "valid.txt": swap(valid), "test.txt": swap(test) });
    expectTheGraph(await loadDataset(directory, { columns: "htr" }));
  });

  it("is loaded from OpenKE's id files", async () => {
    const directory = directoryOf({
      "entity2id.txt": "5\r\na\t0\r\nb\t1\r\nd\t3\r\nc\t2\r\ne\t4\r\n",
      "relation2id.txt": "3\nr 0\ns 1\nq 2\n",
      "train2id.txt": "2\n0 1 0\n1\t2\t1\n",
      "valid2id.txt": "1\n1 3 0\n",
      "test2id.txt": "1\n4 0 2\n",
    });
    expectTheGraph(await loadDataset(directory));
  });

  it.each([
    [
      "a wrong count",
      { "test2id.txt": "2\n0 1 0\n" },
      "DATA_COUNT_MISMATCH",
      /test2id\.txt: the file announces 2 lines, but has 1;/,
    ],
    ["an id outside", { "test2id.txt": "1\n0 2 0\n" }, "DATA_MALFORMED_LINE", /test2id\.txt:2: .*beyond 2 entities/],
    ["a triple of two ids", { "valid2id.txt": "1\n0 1\n" }, "DATA_MALFORMED_LINE", /valid2id\.txt:2: .*three ids/],
    ["a negative id", { "valid2id.txt": "1\n0 1 -1\n" }, "DATA_MALFORMED_LINE", /three ids/],
    ["an id twice", { "entity2id.txt": "2\na 0\nb 0\n" }, "DATA_MALFORMED_LINE", /entity2id\.txt:3: .*second time/],
    [
      "a name twice",
      { "entity2id.txt": "2\na 0\na 1\n" },
      "DATA_DUPLICATE_NAME",
      /entity2id\.txt:3: .*"a" occurs twice/,
    ],
    ["no count", { "train2id.txt": "0 1 0\n" }, "DATA_MALFORMED_LINE", /train2id\.txt:1: .*number of lines/],
  ])("of OpenKE's with %s is refused", async (_, wrong, code, message) => {
    const directory = directoryOf({
      "entity2id.txt": "2\na 0\nb 1\n",
      "relation2id.txt": "1\nr 0\n",
      "train2id.txt": "1\n0 1 0\n",
      "valid2id.txt": "1\n0 1 0\n",
      "test2id.txt": "1\n0 1 0\n",
      ...wrong,
    });
    const error = await failureOf(loadDataset(directory));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  });

  it("without all splits, with two of one kind, or with several data sets is refused", async () => {
    const missing = await failureOf(loadDataset(directoryOf({ "train.txt": train, "test.txt": test })));
    expect(missing).toMatchObject({ code: "DATA_MISSING_SPLIT" });
    expect(missing.message).toMatch(
      /no file for valid \(such as valid\.txt\).*the directory has test\.txt, train\.txt/,
    );
    const files = { "train.txt": train, "valid.txt": valid, "test.txt": test };
    const two = await failureOf(loadDataset(directoryOf({ ...files, "dev.txt": valid })));
    expect(two).toMatchObject({ code: "DATA_AMBIGUOUS" });
    const nested = ["x", "y"].flatMap((d) => Object.entries(files).map(([name, text]) => [`${d}/${name}`, text]));
    const both = directoryOf(Object.fromEntries(nested) as Record<string, string>);
    const several = await failureOf(loadDataset(both));
    expect(several).toMatchObject({ code: "DATA_AMBIGUOUS", file: both });
    expect(several.message).toContain(`several data sets (${join("x", "train.txt")}, ${join("y", "train.txt")})`);
    const empty = await failureOf(loadDataset(directoryOf({ ...files, "train.txt": "" })));
    expect(empty).toMatchObject({ code: "DATA_EMPTY" });
  });
});

describe("an archive", () => {
  const files = { "train.txt": train, "valid.txt": valid, "test.txt": test };

  it.each([
    ["graph.tar.gz", ""],
    ["graph.tgz", "inside/"],
    ["graph.tar", ""],
  ])("%s is loaded", async (name, folder) => {
    const prefixed = Object.fromEntries(Object.entries(files).map(([file, text]) => [folder + file, text]));
    const directory = directoryOf(prefixed);
    await create({ cwd: directory, file: join(directory, name), gzip: name !== "graph.tar" }, Object.keys(prefixed));
    const dataset = await loadDataset(join(directory, name));
    expectTheGraph(dataset);
    expect(dataset.name).toBe("graph");
  });

  it("leaves nothing behind, and its errors name the member", async () => {
    const directory = directoryOf({ ...files, "valid.txt": "b\tr\n" });
    const archive = join(directory, "graph.tgz");
    await create({ cwd: directory, file: archive, gzip: true }, Object.keys(files));
    const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("mulde-dataset-"));
    const before = left();
    const error = await failureOf(loadDataset(archive));
    expect(error).toMatchObject({ file: `${archive}: valid.txt`, line: 1 });
    expect(error.message).toContain(`${archive}: valid.txt:1: "b\\tr" has 2 fields`);
    expect(left().filter((name) => !before.includes(name))).toEqual([]);
  });
});

describe("an archive's own errors", () => {
  it("name the archive, not the temporary directory", async () => {
    const directory = directoryOf({ "train.txt": train, "test.txt": test });
    const archive = join(directory, "graph.tgz");
    await create({ cwd: directory, file: archive, gzip: true }, ["train.txt", "test.txt"]);
    const error = await failureOf(loadDataset(archive));
    expect(error).toMatchObject({ code: "DATA_MISSING_SPLIT", file: archive });
    expect(error.message).not.toContain("mulde-dataset-");
  });
});

describe("anything else", () => {
  it("is refused with the closest name, or the path", async () => {
    const unknown = await failureOf(loadDataset("WN18R"));
    expect(unknown).toMatchObject({ code: "DATA_UNKNOWN_DATASET" });
    expect(unknown.message).toMatch(/Did you mean WN18RR\?/);
    expect(await failureOf(loadDataset("./nowhere"))).toMatchObject({ code: "DATA_NOT_FOUND" });
    const file = join(directoryOf({ "all.tsv": train }), "all.tsv");
    expect((await failureOf(loadDataset(file))).message).toMatch(/with readTriples, then use splitTriples/);
  });
});

describe("the fingerprint", () => {
  const entities = Vocabulary.fromNames(["a", "b"]);
  const relations = Vocabulary.fromNames(["r"]);
  const one = tripleList([0], [0], [1]);
  const none = tripleList([], [], []);
  const parts = { name: "tiny", entities, relations, train: one, valid: none, test: none };

  it("depends on the vocabularies and splits alone, and is stable over releases", () => {
    const { fingerprint } = createDataset(parts);
    expect(fingerprint).toMatchInlineSnapshot(`"7550a8e3ecba06d7615b59ef452f293fd1a8391761ce0a6021eac62750b71dbb"`);
    expect(createDataset({ ...parts, name: "other", licence: "x" }).fingerprint).toBe(fingerprint);
    const others = [
      { ...parts, entities: Vocabulary.fromNames(["ab", "a"]) },
      { ...parts, relations: Vocabulary.fromNames(["s"]) },
      { ...parts, train: none, valid: one },
      { ...parts, train: concatTriples(one, one) },
      { ...parts, train: tripleList([1], [0], [0]) },
    ].map((other) => createDataset(other).fingerprint);
    expect(new Set([fingerprint, ...others]).size).toBe(6);
  });

  it("needs parts that fit together", () => {
    expect(() => createDataset({ ...parts, train: tripleList([0], [1], [1]) })).toThrow(
      /\(0, 1, 1\), has an id beyond/,
    );
    expect(() => createDataset({ ...parts, labels: ["a"] })).toThrow(/labels: There are 1 labels for 2 entities/);
  });
});

// The data sets' licences keep them out of the repository. If the archives are beside it, this checks the real counts.
const held = resolve(import.meta.dirname, "../../../../shared/datasets");
describe.runIf(existsSync(join(held, "WN18RR.tar.gz")))("the held archives", () => {
  it.each([
    ["wn18rr", "WN18RR", 40943, 11, [86835, 3034, 3134], 40559],
    ["FB15K-237", "FB15k-237", 14541, 237, [272115, 17535, 20466], 14505],
  ])("load %s with the counts of the literature", async (asked, name, numEntities, numRelations, counts, inTrain) => {
    const dataset = await loadDataset(asked, { mirror: held, cacheDir: directoryOf(), offline: true });
    expect(dataset.name).toBe(name);
    expect(dataset.entities.size).toBe(numEntities);
    expect(dataset.relations.size).toBe(numRelations);
    expect([dataset.train, dataset.valid, dataset.test].map(({ length }) => length)).toEqual(counts);
    expect(new Set([...dataset.train.heads, ...dataset.train.tails]).size).toBe(inTrain);
    expect(dataset.relations.names.some((relation) => /\s/.test(relation))).toBe(false);
  });
});
