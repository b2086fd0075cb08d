import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, statfs, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decodeSafetensors, encodeSafetensors, writeSafetensors } from "@mulde/kge-models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCheckpoint, type RunState, writeCheckpoint } from "../../src/run/checkpoint.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-checkpoint-file-"));
  path = join(directory, "checkpoint.safetensors");
});
afterEach(() => rm(directory, { recursive: true }));

const state: RunState = {
  run: "0123456789abcdef",
  step: 7,
  seconds: 1.5,
  stale: 0,
  drops: 1,
  best: { epoch: 2, metrics: { mrr: 0.25, mr: 3, hits: { "1": 0.125 } } },
  epoch: { total: 0.5, hard: 0.5 },
};
const filled = (value: number): Map<string, Float32Array> =>
  new Map([
    ["now.entity", new Float32Array(6).fill(value)],
    ["best.entity", new Float32Array(6).fill(value + 0.5)],
    ["optimizer.entity.moments", new Float32Array(12).fill(-value)],
  ]);
const values = (arrays: ReadonlyMap<string, Float32Array>): unknown =>
  [...arrays].map(([name, data]) => [name, ...data]);

describe("a checkpoint file", () => {
  it("gives back the state and the arrays, and has a format and a checksum", async () => {
    await writeCheckpoint(path, state, filled(3));
    const arrays = filled(0);
    expect(await readCheckpoint(path, state.run, arrays)).toEqual(state);
    expect(values(arrays)).toEqual(values(filled(3)));
    const { metadata } = decodeSafetensors(await readFile(path), path);
    expect(metadata).toEqual({
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      format: "2",
      state: JSON.stringify(state),
    });
    expect(await readdir(directory)).toEqual(["checkpoint.safetensors"]);
  });

  it("is none where there is none", async () => {
    expect(await readCheckpoint(path, state.run, filled(0))).toBeUndefined();
    expect(await readCheckpoint(join(directory, "nowhere", "c"), state.run, filled(0))).toBeUndefined();
  });

  /** What reading says; the arrays must be as they were. */
  async function refusal(run = state.run, arrays = filled(0)): Promise<string> {
    const before = values(arrays);
    const error: unknown = await readCheckpoint(path, run, arrays).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "MuldeError", code: "TRAINER_CHECKPOINT", file: path });
    expect(values(arrays)).toEqual(before);
    return (error as { reason: string }).reason;
  }
  const metadata = { format: "2", state: JSON.stringify(state) };
  const tensors = Object.fromEntries([...filled(3)].map(([name, data]) => [name, { shape: [data.length], data }]));
  const sealed = (given: Record<string, string>, own = tensors): Promise<void> =>
    writeSafetensors(path, own, given, { checksum: true });

  it.each<[string, () => Promise<void>, RegExp]>([
    ["is empty", () => truncate(path, 0), /^the checkpoint is cut off: delete it/],
    ["ends in the length of its header", () => truncate(path, 5), /^the checkpoint is cut off: delete it/],
    ["ends in its header", () => truncate(path, 100), /^the checkpoint is cut off: delete it/],
    [
      "ends in its data",
      async () => truncate(path, (await stat(path)).size - 3),
      /^the checkpoint is cut off: delete it/,
    ],
    [
      "is longer than it was",
      async () => truncate(path, (await stat(path)).size + 3),
      /^the checkpoint is damaged: delete it/,
    ],
    [
      "is text",
      () => writeFile(path, "just some text"),
      /^the file is no checkpoint of Mulde, or a damaged one: delete/,
    ],
    [
      "is a safetensors file of somebody else",
      () => writeFile(path, encodeSafetensors(tensors, { format: "pt" })),
      /^the file is a safetensors file, but no checkpoint of Mulde; choose/,
    ],
    [
      "is of a newer version",
      () => sealed({ ...metadata, format: "3" }),
      /^a newer version of Mulde wrote the checkpoint \(format "3"; this version reads 2\): update Mulde/,
    ],
    [
      "is of a version with a name",
      () => sealed({ ...metadata, format: "two" }),
      /^a newer version of Mulde wrote the checkpoint \(format "two"/,
    ],
    [
      "is of the version before, which had no number",
      () => writeFile(path, encodeSafetensors(tensors, { state: metadata.state })),
      /^an older version of Mulde wrote the checkpoint \(format 1; this version reads 2\): delete it/,
    ],
    [
      "has no checksum",
      () => writeFile(path, encodeSafetensors(tensors, metadata)),
      /^the checkpoint is damaged: its checksum differs from its content; delete it/,
    ],
    [
      "has the checksum of another",
      () => writeFile(path, encodeSafetensors(tensors, { checksum: "0".repeat(64), ...metadata })),
      /^the checkpoint is damaged: its checksum differs/,
    ],
    [
      "has a state that is no JSON",
      () => sealed({ ...metadata, state: "{" }),
      /^the state in the checkpoint is malformed/,
    ],
    [
      "has a state without a field",
      () => sealed({ ...metadata, state: '{"run":"0123456789abcdef","step":1}' }),
      /^the state in the checkpoint is malformed/,
    ],
    [
      "lacks an array",
      () => sealed(metadata, { "now.entity": tensors["now.entity"]! }),
      /^the checkpoint has no array "best\.entity" of length 6: delete it/,
    ],
    [
      "has an array of another dtype",
      () => sealed(metadata, { ...tensors, "now.entity": { shape: [6], data: new Float64Array(6) as never } }),
      /^the checkpoint has no array "now\.entity" of length 6: delete it/,
    ],
    [
      "has one array more",
      () => sealed(metadata, { ...tensors, more: { shape: [1], data: new Float32Array(1) } }),
      /^the checkpoint holds an array "more", which the run lacks: delete it/,
    ],
  ])("that %s is refused by name, and fills no array", async (_, damage, reason) => {
    await writeCheckpoint(path, state, filled(3));
    await damage();
    expect(await refusal()).toMatch(reason);
  });

  it("of another run is refused as that", async () => {
    await writeCheckpoint(path, state, filled(3));
    expect(await refusal("fedcba9876543210")).toMatch(/^the checkpoint belongs to a run with other options, data or/);
  });

  it("is refused with any bit changed, and fills no array", async () => {
    await writeCheckpoint(path, state, filled(3));
    const bytes = await readFile(path);
    let damaged = 0;
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i]! ^= 1 << (i % 8);
      await writeFile(path, flipped);
      if ((await refusal()).startsWith("the checkpoint is damaged")) damaged++;
    }
    expect(damaged).toBeGreaterThan(bytes.length / 2);
  });

  it("that is a directory, or cannot be reached, says so", async () => {
    await mkdir(path);
    expect(await refusal()).toBe("this is a directory, not a file; check the path.");
  });

  it("that a killed process left half written goes at the next write", async () => {
    await writeFile(`${path}.${2 ** 30}.tmp`, "half");
    await writeCheckpoint(path, state, filled(3));
    expect(await readdir(directory)).toEqual(["checkpoint.safetensors"]);
  });
});

const root = process.getuid?.() === 0;

function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Says loudly what is not tested on this machine. */
function able(what: string, can: boolean): boolean {
  if (!can) console.warn(`SKIPPED: a checkpoint on ${what}.`);
  return can;
}

describe("a disk that refuses a checkpoint", () => {
  const entities = Array.from({ length: 1000 }, (_, i) => i);
  // 400 kB.
  const large = new Map([["now.entity", Float32Array.from({ length: 100_000 }, (_, i) => i)]]);
  const intact = "The last checkpoint is intact; run again to go on from there.";

  async function stays(work: () => Promise<unknown>, reason: RegExp, file = path): Promise<void> {
    const before = await readFile(file);
    const error: unknown = await work().catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "TRAINER_CHECKPOINT_WRITE",
      file,
      reason: expect.stringMatching(reason) as string,
    });
    expect((error as { reason: string }).reason.endsWith(` ${intact}`)).toBe(true);
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(dirname(file))).toEqual(["checkpoint.safetensors"]);
    const arrays = filled(0);
    expect(await readCheckpoint(file, state.run, arrays)).toEqual(state);
  }

  const mountable = able(
    "a full disk, since only root may mount a tmpfs",
    root && works("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", tmpdir()),
  );
  it.skipIf(!mountable)("because it is full leaves the last one intact", async () => {
    const mounted = join(directory, "mounted");
    await mkdir(mounted);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=500k", "tmpfs", mounted]);
    try {
      const file = join(mounted, "checkpoint.safetensors");
      await writeCheckpoint(file, state, filled(3));
      const twice = new Map([...large, ["best.entity", large.get("now.entity")!]]);
      await stays(() => writeCheckpoint(file, state, twice), /^the disk is full; free some space/, file);
      // What a killed process left must not be in the way.
      const { bavail, bsize } = await statfs(mounted);
      await writeFile(`${file}.${2 ** 30}.tmp`, new Uint8Array(bavail * bsize));
      await writeCheckpoint(file, state, large);
      expect(await readdir(mounted)).toEqual(["checkpoint.safetensors"]);
    } finally {
      execFileSync("umount", [mounted]);
    }
  });

  it("because a directory or a file is in the way says so", async () => {
    await mkdir(path);
    await expect(writeCheckpoint(path, state, filled(3))).rejects.toMatchObject({
      code: "TRAINER_CHECKPOINT_WRITE",
      file: path,
      reason: "a directory is in the place of the file; remove it, or choose another place.",
    });
    expect(await readdir(directory)).toEqual(["checkpoint.safetensors"]);
    await writeFile(join(directory, "file"), "");
    await expect(writeCheckpoint(join(directory, "file", "c"), state, filled(3))).rejects.toMatchObject({
      code: "TRAINER_CHECKPOINT_WRITE",
      file: join(directory, "file"),
      reason: "something else with this name is in the way; remove it, or choose another place.",
    });
  });

  /** Trains in a process of its own, under a wrapper, and returns the code and message of its error. */
  function train(...wrapper: readonly string[]): { code: string; file: string; reason: string } {
    const program = `
      process.on("SIGXFSZ", () => undefined);
      import(${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)}).then(async ({ train }) => {
        const ids = Int32Array.from(${JSON.stringify(entities)});
        const split = { heads: ids, relations: ids.map(() => 0), tails: ids.map((id) => (id + 1) % ids.length), length: ids.length };
        const names = { names: [...ids].map(String), size: ids.length };
        const data = {
          name: "ring", fingerprint: "x".repeat(64), entities: names, relations: { names: ["next"], size: 1 },
          train: split, valid: split, test: split,
        };
        const options = { model: { name: "TransE", dim: 32 }, epochs: 1, validation: { triples: 10 } };
        await train(options, { data, checkpoint: ${JSON.stringify(path)}, checkpointMinutes: 0 }).result;
      }).catch((error) => console.log(JSON.stringify({ ...error, message: error.message })));`;
    const [command, ...args] = [...wrapper, process.execPath, "--eval", program];
    const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as ReturnType<typeof train>;
  }

  it.skipIf(!able("a file-size limit, since there is no prlimit", works("prlimit", "--version")))(
    "because the file would be too large stops the run",
    () => {
      expect(train("prlimit", "--fsize=100000")).toMatchObject({
        code: "TRAINER_CHECKPOINT_WRITE",
        file: path,
        reason: "the file would be larger than this process may write; raise the limit (ulimit -f).",
      });
    },
  );

  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const unprivileged = able(
    "a read-only directory, since root may write there and there is no setpriv",
    !root || works(nobody[0]!, ...nobody.slice(1), process.execPath, "--version"),
  );
  it.skipIf(!unprivileged)("because it is read-only stops the run, and leaves the last one intact", async () => {
    await chmod(directory, root ? 0o755 : 0o555);
    const refused = train(...(root ? nobody : []));
    await chmod(directory, 0o755);
    expect(refused).toMatchObject({ code: "TRAINER_CHECKPOINT_WRITE", file: path });
    expect(refused.reason).toMatch(/^this process may not write here; change the permissions/);
    expect(await readdir(directory)).toEqual([]);
  });

  it("because its temporary name is taken leaves the last one intact", async () => {
    await writeCheckpoint(path, state, filled(3));
    const temporary = `${path}.${process.pid}.tmp`;
    await mkdir(temporary);
    const writing = writeCheckpoint(path, state, large).finally(() => rm(temporary, { recursive: true }));
    await stays(() => writing, /^a directory is in the place of the file/);
  });
});
