import { chmod, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModel, type KgeModel, loadModel, saveModel } from "../src/index.js";
import { limitable, mountable, mountTmpfs, run, unprivileged } from "./_disk.js";

// 2000 x 128 floats: 1 MB.
const entities = Array.from({ length: 2000 }, (_, i) => `e${i}`);
const info = { entities, relations: ["r"] };
const files = ["config.json", "entities.tsv", "model.safetensors", "relations.tsv"];
const make = (dim: number, seed: number): Promise<KgeModel> =>
  createModel({ model: "TransE", dim, entities: 2000, relations: 1, seed });

async function snapshot(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory);
  const contents = names.map(async (name) => [name, await readFile(join(directory, name), "latin1")] as const);
  return Object.fromEntries(await Promise.all(contents));
}

describe.skipIf(!mountable)("a disk that is nearly full", () => {
  it("keeps the old model whole; with space again, and what a killed writer left, the new one is saved", async () => {
    const { directory, unmount } = mountTmpfs(3 << 20);
    try {
      await saveModel(await make(128, 1), directory, info);
      const before = await snapshot(directory);
      const larger = await make(320, 2);
      // 2.6 MB, and 2 are left.
      const error: unknown = await saveModel(larger, directory, info).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: "MODELS_WRITE",
        file: join(directory, "model.safetensors"),
        message: `${join(directory, "model.safetensors")}: the disk is full; free some space, or choose another place.`,
      });
      expect(await snapshot(directory)).toEqual(before);
      expect((await loadModel(directory)).model.dim).toBe(128);
      const { bavail, bsize } = await statfs(directory);
      const same = await make(128, 3);
      // What a killed process left is in the way of this one.
      await writeFile(join(directory, `model.safetensors.${2 ** 30}.tmp`), new Uint8Array(bavail * bsize - 100_000));
      await saveModel(same, directory, info);
      expect((await readdir(directory)).sort()).toEqual(files);
      expect((await loadModel(directory)).model.table("entity").data).toEqual(same.table("entity").data);
    } finally {
      unmount();
    }
  });
});

describe("a process that may not write", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "mulde-disk-"));
    await chmod(directory, 0o755);
    await saveModel(await make(8, 1), directory, info);
  });
  afterAll(() => rm(directory, { recursive: true }));

  const saving = `
    const model = await mulde.createModel({ model: "TransE", dim: 128, entities: 2000, relations: 1 });
    await mulde.saveModel(model, argument, { entities: Array.from({ length: 2000 }, (_, i) => "e" + i), relations: ["r"] });`;

  it.skipIf(!limitable)("files so large keeps the old model whole, and says what limits it", async () => {
    const before = await snapshot(directory);
    expect(JSON.parse(await run(saving, directory, "limit"))).toMatchObject({
      code: "MODELS_WRITE",
      file: join(directory, "model.safetensors"),
      reason: "the file would be larger than this process may write; raise the limit (ulimit -f).",
    });
    expect(await snapshot(directory)).toEqual(before);
    expect((await loadModel(directory)).model.dim).toBe(8);
  });

  it.skipIf(!unprivileged)("in the directory says so, and can read the model", async () => {
    const before = await snapshot(directory);
    const mode = process.getuid?.() === 0 ? 0o755 : 0o555;
    await chmod(directory, mode);
    const refused = JSON.parse(await run(saving, directory, "nobody")) as { reason: string };
    expect(refused).toMatchObject({ code: "MODELS_WRITE", file: join(directory, "model.safetensors") });
    expect(refused.reason).toMatch(/^this process may not write here; /);
    expect(await run("await mulde.loadModel(argument);", directory, "nobody")).toBe("");
    await chmod(directory, 0o755);
    expect(await snapshot(directory)).toEqual(before);
    await chmod(join(directory, "entities.tsv"), 0o000);
    expect(JSON.parse(await run("await mulde.loadModel(argument);", directory, "nobody"))).toMatchObject({
      code: "MODELS_READ",
      file: join(directory, "entities.tsv"),
      reason: "this process may not read it; change its permissions.",
    });
  });
});
