import { spawn } from "node:child_process";
import {
  access,
  cp,
  type FileHandle,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasCode } from "@mulde/errors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as Node from "../src/_node.js";
import {
  createModel,
  type KgeModel,
  loadModel,
  openSafetensors,
  endSave,
  saveModel,
  writeSafetensors,
  writeWhole,
} from "../src/index.js";

/** What happens at an operation that changes the disk: it goes on, it stops there for good, as if the process were killed, or it fails. */
type Fate = "done" | "killed" | NodeJS.ErrnoException;

const disk = vi.hoisted(() => ({
  /** what happens at the operation of this number and name */
  fate: (_: number, __: string): Fate => "done",
  operations: [] as string[],
  opened: [] as FileHandle[],
}));

vi.mock("../src/_node.js", async (original) => {
  const real = await original<typeof Node>();
  const fs = real.node("fs/promises");
  const gated =
    <Args extends unknown[], Result>(name: string, work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      disk.operations.push(name);
      const fate = disk.fate(disk.operations.length - 1, name);
      if (fate === "done") return work(...args);
      if (fate !== "killed") throw fate;
      // A write may have come half way.
      const [bytes, at, length, position] = args as unknown as [Uint8Array, number, number, number];
      if (name === "write") await work(...([bytes, at, length >> 1, position] as unknown as Args));
      return new Promise(() => undefined);
    };
  const gate: typeof fs = {
    ...fs,
    mkdir: gated("mkdir", fs.mkdir) as typeof fs.mkdir,
    rename: gated("rename", fs.rename),
    rm: gated("rm", fs.rm),
    open: gated("open", async (...args: Parameters<typeof fs.open>) => {
      const handle = await fs.open(...args);
      disk.opened.push(handle);
      if (args[1] === "w") {
        Object.assign(handle, {
          write: gated("write", handle.write.bind(handle)),
          sync: gated("sync", handle.sync.bind(handle)),
        });
      }
      return handle;
    }),
  };
  const node = (name: Parameters<typeof real.node>[0]) => (name === "fs/promises" ? gate : real.node(name));
  return { ...real, node };
});

const files = ["config.json", "entities.tsv", "model.safetensors", "relations.tsv"];
let directory: string;
let [first, second]: KgeModel[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-saving-"));
  first ??= await createModel({ model: "TransE", dim: 4, entities: 5, relations: 2, seed: 1 });
  second ??= await createModel({ model: "TransE", dim: 4, entities: 5, relations: 2, seed: 2 });
});
afterEach(async () => {
  disk.fate = () => "done";
  for (const handle of disk.opened.splice(0)) await handle.close().catch(() => undefined);
  await rm(directory, { recursive: true });
});

// Names of one length, so that no size tells the models apart.
const info = (which: string) => ({
  entities: ["a", "b", "c", "d", "e"].map((name) => `${which}${name}`),
  relations: [`${which}r`, `${which}s`],
  training: { which },
});
const save = (which: "1" | "2", folder = directory): Promise<void> =>
  saveModel(which === "1" ? first! : second!, folder, info(which));

/** Which of the two models a directory holds, by all of its parts. */
async function held(folder = directory): Promise<string> {
  try {
    const { model, entities, relations, training } = await loadModel(folder);
    const which = (training as { which: "1" | "2" }).which;
    expect({ entities, relations }).toMatchObject({ entities: info(which).entities, relations: info(which).relations });
    const expected = which === "1" ? first! : second!;
    for (const [name, { data }] of expected.tables) expect(model.table(name).data).toEqual(data);
    return which;
  } catch (error) {
    if (hasCode(error, "MODELS_NOT_FOUND")) return "none";
    throw error;
  }
}

/** Counts what an operation does to the disk, and stops for good at one of them. */
async function killedAt(operation: number, work: () => Promise<void>): Promise<boolean> {
  disk.operations.length = 0;
  let stopped: (() => void) | undefined;
  const killed = new Promise<boolean>((resolve) => (stopped = () => resolve(true)));
  disk.fate = (i) => {
    if (i !== operation) return "done";
    // After the half of a write.
    setTimeout(() => stopped!(), 20);
    return "killed";
  };
  const ended = await Promise.race([killed, work().then(() => false)]);
  disk.fate = () => "done";
  return ended;
}

describe("a process that is killed while it saves a model", () => {
  it.each(["1", "none"])("leaves the old model or the new one at every operation (old: %s)", async (old) => {
    const seen: string[] = [];
    for (let operation = 0; ; operation++) {
      await rm(directory, { recursive: true });
      await mkdir(directory);
      if (old !== "none") await save("1");
      if (!(await killedAt(operation, () => save("2")))) break;
      const now = await held();
      seen.push(now);
      // Whoever saves next ends it, and leaves nothing behind; what counts stays until then.
      if (operation % 3 === 0) {
        await killedAt(operation >> 1, () => save("1"));
        expect([now, "1"]).toContain(await held());
      }
      await save("1");
      expect(await held()).toBe("1");
      expect((await readdir(directory)).sort()).toEqual(files);
    }
    // The old one until the first rename, the new one ever after.
    const turn = seen.indexOf("2");
    expect(seen.slice(0, turn)).toEqual(new Array(turn).fill(old));
    expect(seen.slice(turn)).toEqual(new Array(seen.length - turn).fill("2"));
    expect(turn).toBeGreaterThan(15);
    expect(seen.length - turn).toBeGreaterThan(3);
  });

  it.each(["1", "none"])("is followed by endSave, which gives all files their names (old: %s)", async (old) => {
    const seen = new Set<string>();
    for (let operation = 0; ; operation++) {
      await rm(directory, { recursive: true });
      await mkdir(directory);
      if (old !== "none") await save("1");
      if (!(await killedAt(operation, () => save("2")))) break;
      const now = await held();
      seen.add(now);
      await endSave(directory);
      expect(await held()).toBe(now);
      expect((await readdir(directory)).sort()).toEqual(now === "none" ? [] : files);
    }
    expect([...seen]).toEqual([old, "2"]);
  });

  it("leaves a directory in which each file has its old or its temporary name", async () => {
    await save("1");
    const newer = join(directory, "newer");
    await save("2", newer);
    // Process 1 lives; whoever has this number does not.
    for (const pid of [1, 2 ** 30]) {
      for (let renamed = 0; renamed < 8; renamed++) {
        const folder = join(directory, `${pid}-${renamed}`);
        await mkdir(folder);
        for (const file of files) await cp(join(directory, file), join(folder, file));
        for (const [i, file] of files.slice(1).entries()) {
          const name = renamed & (1 << i) ? file : `${file}.${pid}.tmp`;
          await cp(join(newer, file), join(folder, name));
        }
        // Of another dead writer, cut off.
        await writeFile(join(folder, `model.safetensors.${2 ** 30 + 1}.tmp`), "half of");
        await cp(join(newer, "config.json"), join(folder, "config.json"));
        expect(await held(folder)).toBe("2");
      }
    }
  });

  it("loses no model that this process cannot read, if the next save fails", async () => {
    // Killed after config.json was renamed: the rest has temporary names still.
    await save("1");
    for (const file of files.slice(1)) await rename(join(directory, file), join(directory, `${file}.${2 ** 30}.tmp`));
    const config = join(directory, "config.json");
    const text = await readFile(config, "utf8");
    await writeFile(config, text.replace("TransE", "SomebodysOwn"));
    disk.operations.length = 0;
    const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
    disk.fate = (_, name) => (name === "write" ? full : "done");
    await expect(save("2")).rejects.toMatchObject({ code: "MODELS_WRITE" });
    disk.fate = () => "done";
    await writeFile(config, text);
    expect(await held()).toBe("1");
  });

  it("never mixes two models: files of both, and no temporary ones, are refused", async () => {
    await save("1");
    const newer = join(directory, "newer");
    await save("2", newer);
    for (const file of files) {
      const folder = join(directory, `mixed ${file}`);
      await mkdir(folder);
      for (const own of files) await cp(join(own === file ? newer : directory, own), join(folder, own));
      await expect(held(folder)).rejects.toMatchObject({ code: "MODELS_CHECKSUM" });
    }
  });

  it("is survived by SIGKILL at any time: the old model, the new one or none, never a mixture", async () => {
    // Two models of one shape, saved in turn until the process is killed; each is recognised by all of its files.
    const program = `
      import { createModel, saveModel } from ${JSON.stringify(fileURLToPath(new URL("../dist/index.js", import.meta.url)))};
      const model = await createModel({ model: "TransE", dim: 64, entities: 2000, relations: 1 });
      for (let i = 0; ; i++) {
        if (i === 1) process.stdout.write("go");
        for (const { data } of model.tables.values()) data.fill(i);
        const named = (n) => Array.from({ length: n }, (_, id) => i + " " + id);
        await saveModel(model, ${JSON.stringify(directory)}, { entities: named(2000), relations: named(1), training: { i } });
      }`;
    for (const delay of [15, 40, 75, 130]) {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exit = new Promise((resolve) => child.once("exit", resolve));
      await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), exit]);
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill("SIGKILL");
      await exit;
      // The first save was over, so there is a model.
      const { model, entities, relations, training } = await loadModel(directory);
      const { i } = training as { i: number };
      expect(new Set([...entities, ...relations].map((name) => name.split(" ")[0]))).toEqual(new Set([String(i)]));
      for (const { data } of model.tables.values()) expect(data.every((x) => x === i)).toBe(true);
    }
    await save("1");
    expect((await readdir(directory)).sort()).toEqual(files);
  });
});

describe("a disk that fails while a model is saved", () => {
  it("is one error that names the file, and leaves the old model and nothing else", async () => {
    await save("1");
    disk.operations.length = 0;
    await save("1");
    const operations = [...disk.operations];
    const commit = operations.indexOf("rename");
    expect(operations.slice(commit).filter((name) => name === "rename")).toHaveLength(files.length);
    for (let at = 0; at < operations.length; at++) {
      disk.operations.length = 0;
      disk.fate = (i) => (i === at ? Object.assign(new Error("no space"), { code: "ENOSPC" }) : "done");
      const error: unknown = await save("2").catch((caught: unknown) => caught);
      disk.fate = () => "done";
      // Flushing the directory is more than some systems can.
      if (error === undefined) expect(["open", "sync"]).toContain(operations[at]);
      else
        expect(error).toMatchObject({
          code: "MODELS_WRITE",
          reason: expect.stringMatching(/^the disk is full/) as string,
        });
      expect(await held()).toBe(at > commit || error === undefined ? "2" : "1");
      if (at <= commit) expect((await readdir(directory)).sort()).toEqual(files);
      await save("1");
      expect((await readdir(directory)).sort()).toEqual(files);
    }
  });

  it.each(files)("is noticed before anything is written where a directory has the place of %s", async (file) => {
    await save("1");
    await rm(join(directory, file));
    await mkdir(join(directory, file));
    const before = await readdir(directory);
    await expect(save("2")).rejects.toMatchObject({
      code: "MODELS_WRITE",
      file: join(directory, file),
      reason: expect.stringMatching(/^a directory is in the place of the file/) as string,
    });
    expect(await readdir(directory)).toEqual(before);
  });

  it("leaves temporary files of living writers alone", async () => {
    await save("1");
    const own = join(directory, `entities.tsv.${process.ppid}.tmp`);
    await writeFile(own, "somebody's");
    await save("2");
    expect(await readFile(own, "utf8")).toBe("somebody's");
  });

  it("names a file in the place of the directory", async () => {
    await writeFile(join(directory, "file"), "");
    await expect(save("1", join(directory, "file", "model"))).rejects.toMatchObject({
      code: "MODELS_WRITE",
      reason: expect.stringMatching(/^a part of the path is a file/) as string,
    });
  });
});

describe.each<[string, string, (path: string, text: string) => Promise<void>, (path: string) => Promise<string>]>([
  ["writeWhole", "FILE_WRITE", writeWhole, (path) => readFile(path, "utf8")],
  [
    "writeSafetensors",
    "SAFETENSORS_WRITE",
    (path, text) =>
      writeSafetensors(path, { x: { shape: [9], data: new Float32Array(9) } }, { text }, { checksum: text === "new" }),
    async (path) => {
      const file = await openSafetensors(path);
      const sound = file.metadata.checksum === undefined || (await file.verify());
      await file.close();
      expect(sound).toBe(true);
      return file.metadata.text!;
    },
  ],
])("%s", (_, code, write, read) => {
  it("leaves the old file or the new one, wherever it is killed, and removes what killed writers left", async () => {
    const path = join(directory, "file");
    const seen: string[] = [];
    for (let operation = 0; ; operation++) {
      await write(path, "old");
      await writeFile(`${path}.${2 ** 30}.tmp`, "of a dead process");
      if (!(await killedAt(operation, () => write(path, "new")))) break;
      seen.push(await read(path));
    }
    expect(seen.lastIndexOf("old")).toBe(seen.indexOf("new") - 1);
    expect(await readdir(directory)).toEqual(["file"]);
  });

  it("fails with one error, and leaves the old file alone", async () => {
    const path = join(directory, "file");
    await write(path, "old");
    disk.operations.length = 0;
    await write(path, "old");
    const operations = [...disk.operations];
    for (let at = 0; at <= operations.indexOf("rename"); at++) {
      disk.operations.length = 0;
      disk.fate = (i) => (i === at ? Object.assign(new Error("no quota"), { code: "EDQUOT" }) : "done");
      await expect(write(path, "new")).rejects.toMatchObject({
        code,
        file: path,
        reason: expect.stringMatching(/^the disk quota is used up/) as string,
      });
      disk.fate = () => "done";
      expect(await read(path)).toBe("old");
      expect(await readdir(directory)).toEqual(["file"]);
    }
    await rm(path);
    await mkdir(path);
    await expect(write(path, "new")).rejects.toMatchObject({ code, file: path });
    await access(path);
  });
});
