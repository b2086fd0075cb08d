import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listDatasets } from "@mulde/datasets";
import { expect, test } from "vitest";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { splits, writeGraph } from "./_graph.js";

interface Info {
  readonly name: string;
  readonly embedded: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

test("datasets list gives every registered data set with its counts", async () => {
  const { datasets } = await muldeJson<{ datasets: Info[] }>(["datasets", "list"]);
  const names = datasets.map(({ name }) => name);
  for (const name of ["wordnet31", "wordnet31-small", "WN18RR", "FB15k-237", "UMLS"]) expect(names).toContain(name);
  expect(datasets.find(({ name }) => name === "WN18RR")!.counts).toEqual({
    ...{ entities: 40943, relations: 11, train: 86835, valid: 3034, test: 3134 },
  });
  const { stdout } = await mulde(["datasets", "list"]);
  expect(stdout).toMatch(/\nFB15k-237 +14,541 +237 +272,115 +17,535 +20,466 +CC BY/);
  expect(stdout).toContain("wordnet31 and wordnet31-small come along; the others are downloaded.");
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("datasets info describes a registered data set without loading it", async () => {
  const info = await muldeJson<Info>(["datasets", "info", "fb15k-237"]);
  expect(info).toMatchObject({ name: "FB15k-237", embedded: false, counts: { entities: 14541 } });
  for (const { name } of listDatasets()) {
    const { stdout } = await mulde(["datasets", "info", name]);
    // Addresses stay whole.
    const lines = stdout.split("\n").filter((line) => !line.includes("://"));
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test("datasets info counts a directory of one's own", async () => {
  const info = await muldeJson<Info & { fingerprint: string }>(["datasets", "info", writeGraph()]);
  expect(info.counts).toEqual({
    ...{ entities: 40, relations: 4 },
    ...{ train: splits.train.length, valid: splits.valid.length, test: splits.test.length },
  });
  expect(info.fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

test("an unknown data set is an error with a suggestion", async () => {
  const { code, stderr } = await mulde(["datasets", "info", "WN18R"]);
  expect(code).toBe(1);
  expect(stderr).toContain("Did you mean WN18RR?");
});

test("datasets fetch takes files from a mirror into the cache", async () => {
  const mirror = temporary();
  const cache = temporary();
  mkdirSync(join(mirror, "codex-s"));
  for (const split of ["train", "valid", "test"]) writeFileSync(join(mirror, "codex-s", `${split}.txt`), "a\tb\tc\n");
  const env = { MULDE_DATASETS_MIRROR: mirror, XDG_CACHE_HOME: cache };
  const fetched = await muldeJson<{ files: string[]; bytes: number }>(["datasets", "fetch", "codex-s"], { env });
  expect(fetched).toMatchObject({ name: "CoDEx-S", bytes: 18 });
  expect(fetched.files).toHaveLength(3);
  for (const file of fetched.files) expect(file.startsWith(cache) && existsSync(file)).toBe(true);
});

test("a file that the mirror lacks is one clear error", async () => {
  const { code, stdout } = await mulde(["datasets", "fetch", "UMLS", "--json"], {
    env: { MULDE_DATASETS_MIRROR: temporary() },
  });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "DATA_NOT_IN_MIRROR" } });
});

test("an embedded data set needs no download", async () => {
  const { stdout } = await mulde(["datasets", "fetch", "wordnet31-small"]);
  expect(stdout).toContain("embedded");
});
