import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { able } from "./_able.js";
import { mulde, muldeJson, temporary } from "./_cli.js";
import { quick, trained, writeGraph } from "./_graph.js";

let data: string;
let whole: string;
const train = (out: string, dim = 64): string[] => [
  ...["train", "--model", "RotH", "--dim", String(dim), "--data", data, "--out", out],
  ...[...quick, "--epochs", "4", "--set", "validation.every=2"],
];
const parameters = (directory: string): Buffer => readFileSync(join(directory, "model.safetensors"));
const none = (): string => join(temporary(), "none");

beforeAll(async () => {
  data = writeGraph();
  whole = none();
  await muldeJson(train(whole));
});

const mountPoint = temporary();
const mounts = able(
  "Mounting a small disk (root on Linux)",
  "mount",
  "-t",
  "tmpfs",
  "-o",
  "size=256k",
  "tmpfs",
  mountPoint,
);
if (mounts) execFileSync("umount", [mountPoint]);

describe.skipIf(!mounts)("a small disk", () => {
  let disk: string;
  // A model of 64 dimensions needs 20 kB here, its checkpoint about five times that.
  beforeAll(() => {
    disk = temporary();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
  });
  afterAll(() => {
    execFileSync("umount", [disk]);
    rmdirSync(disk);
  });

  /** Leaves so many kilobytes of the disk free while something happens. */
  async function withFree<T>(kilobytes: number, happening: () => Promise<T>): Promise<T> {
    const filler = join(disk, "filler");
    const free = Number(execFileSync("stat", ["-f", "-c", "%a", disk], { encoding: "utf8" })) * 4;
    writeFileSync(filler, Buffer.alloc(1024 * (free - kilobytes)));
    try {
      return await happening();
    } finally {
      rmSync(filler);
    }
  }

  test("that is full at a checkpoint stops the run with the file's name; with room, the same command goes on", async () => {
    const out = join(disk, "checkpoint");
    const every = ["--checkpoint-minutes", "0"];
    const { code, stderr } = await withFree(40, () => mulde([...train(out), ...every], {}));
    expect(code).toBe(1);
    const last = stderr.trimEnd().split("\n").at(-1);
    expect(last).toMatch(/^error: .*checkpoint\.safetensors: the disk is full; .* \(TRAINER_CHECKPOINT_WRITE\)$/);
    expect(existsSync(out)).toBe(false);
    await muldeJson([...train(out), ...every], {});
    expect(parameters(out).equals(parameters(whole))).toBe(true);
    rmSync(out, { recursive: true });
  });

  test("with room for the model but not for the last checkpoint costs a warning", async () => {
    const out = join(disk, "last");
    const { code, stderr } = await withFree(72, () => mulde(train(out), {}));
    expect(stderr).toMatch(
      /\nRotH: warning: The finished run has no checkpoint.*checkpoint\.safetensors: the disk is full/,
    );
    expect(code).toBe(0);
    expect(parameters(out).equals(parameters(whole))).toBe(true);
    rmSync(out, { recursive: true });
  });

  test("that is full when the model is saved keeps the checkpoint, which the same command saves the model from", async () => {
    const out = join(disk, "model");
    const free = statSync(join(whole, "model.safetensors")).size / 1024;
    const size = await checkpointSize();
    const { code, stderr } = await withFree(Math.ceil(size + free / 2) + 8, () => mulde(train(out), {}));
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nerror: .*the disk is full/);
    expect(readdirSync(out)).toEqual(["checkpoint.safetensors"]);
    const resumed = await mulde(train(out), {});
    expect(resumed.stderr).toContain("resumed at step");
    expect(parameters(out).equals(parameters(whole))).toBe(true);
    rmSync(out, { recursive: true });
  });

  test("without room for a second model leaves the older one as it was, also with --force", async () => {
    const out = join(disk, "older");
    await muldeJson([...train(out), "--seed", "9"], {});
    const before = parameters(out);
    const { code } = await withFree(12, () => mulde([...train(out), "--force"], {}));
    expect(code).toBe(1);
    expect(parameters(out).equals(before)).toBe(true);
    expect(readdirSync(out).sort()).toEqual(readdirSync(whole).sort());
    await muldeJson(["evaluate", out, "--data", data]);
    rmSync(out, { recursive: true });
  });

  test("that is full from the start is told before any training", async () => {
    const out = join(disk, "nothing");
    const { code, stderr } = await withFree(0, () => mulde(train(out), {}));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*nothing.*: the disk is full; .* \(TRAINER_NOT_WRITABLE\)\n$/);
    expect(existsSync(out)).toBe(false);
  });

  test("that has no room for the log costs a warning, and leaves whole lines", async () => {
    const log = join(disk, "log.jsonl");
    const out = none();
    const args = [...train(out), "--epochs", "40", "--set", "validation.every=1", "--log", log];
    const { code, stderr } = await withFree(4, () => mulde(args, {}));
    expect(code).toBe(0);
    expect(stderr.match(/Warning: .*log\.jsonl: the disk is full.*\n/g)).toHaveLength(1);
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) JSON.parse(line);
    expect(existsSync(join(out, "config.json"))).toBe(true);
  });

  /** Kilobytes of the checkpoint of `train`. */
  async function checkpointSize(): Promise<number> {
    const out = none();
    const kill = (stderr: string) => (stderr.includes("checkpoint at step") ? "SIGKILL" : undefined);
    await mulde([...train(out), "--epochs", "4000", "--checkpoint-minutes", "0"], { kill });
    return statSync(join(out, "checkpoint.safetensors")).size / 1024;
  }
});

describe("a limit on the size of files", () => {
  const limits = able("Limiting the size of files", "sh", "-c", "ulimit -f 64");

  test.skipIf(!limits)("is told with the file, and does not end the process by a signal", async () => {
    const out = none();
    // Blocks of 512 bytes.
    const through = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh"];
    const args = [...train(out), "--checkpoint-minutes", "0"];
    const { code, signal, stderr } = await mulde(args, { through });
    expect([code, signal]).toEqual([1, null]);
    expect(stderr).toMatch(/checkpoint\.safetensors: the file would be larger .*TRAINER_CHECKPOINT_WRITE\)\n$/);
    expect(existsSync(out)).toBe(false);
  });

  test.skipIf(!limits)("that a report does not fit into costs no model: the next run writes it", async () => {
    const yaml = join(dirname(data), "small.yaml");
    // Models and checkpoints of 1 dimension are smaller than the report, which tells all options.
    const options = "{ batchSize: 64, epochs: 1, model: { name: TransE, dim: 1 } }";
    const teachers = "teachers: [{ name: a }, { name: b }, { name: c }, { name: d }]\njunior: {}\n";
    writeFileSync(yaml, `data: ring\ndefaults: ${options}\n${teachers}`);
    const out = none();
    const through = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"];
    const { code, stderr } = await mulde(["run", yaml, "--out", out], { through });
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nerror: .*report\.json: the file would be larger than this process may write; .*\n$/);
    const again = await mulde(["run", yaml, "--out", out]);
    expect(again.code).toBe(0);
    expect(again.stderr.match(/: there already/g)).toHaveLength(6);
    expect(existsSync(join(out, "report.json"))).toBe(true);
  });
});

describe("where nothing can be written", () => {
  let file: string;
  let readOnly: string;
  const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const setpriv = able(
    "Running the command as another user (root, setpriv)",
    nobody[0]!,
    ...nobody.slice(1),
    process.execPath,
    "-e",
    "0",
  );
  const experiment = (): string => {
    const yaml = join(dirname(data), "ring.yaml");
    writeFileSync(
      yaml,
      "data: ring\ndefaults: { epochs: 1 }\nteachers: [{ model: TransE }]\njunior: { model: TransE }\n",
    );
    return yaml;
  };
  const commands: [string, (out: string) => Promise<string[]>][] = [
    ["train", (out) => Promise.resolve(train(out))],
    ["distil", async (out) => ["distil", "--teachers", await trained(data), "--data", data, "--out", out]],
    ["run", (out) => Promise.resolve(["run", experiment(), "--out", out])],
  ];
  beforeAll(() => {
    file = join(temporary(), "file");
    writeFileSync(file, "kept");
    readOnly = temporary();
    chmodSync(readOnly, 0o555);
  });

  test.each(commands)("%s --out refuses a file, and a path below one, before it loads anything", async (_, args) => {
    const inPlace = await mulde(await args(file));
    expect(inPlace).toMatchObject({ code: 1, stdout: "" });
    expect(inPlace.stderr).toBe(
      `error: ${file}: a file is in the place of this directory; remove it, or choose another place. (TRAINER_NOT_WRITABLE)\n`,
    );
    const below = join(file, "below");
    expect((await mulde(await args(below))).stderr).toBe(
      `error: ${below}: a part of the path is a file, not a directory; check the path. (TRAINER_NOT_WRITABLE)\n`,
    );
    expect(readFileSync(file, "utf8")).toBe("kept");
  });

  test.skipIf(!setpriv).each(commands)("%s --out refuses a directory that it may not write to", async (_, args) => {
    const words = await args(readOnly);
    chmodSync(dirname(data), 0o755);
    const { code, stderr } = await mulde(words, { through: nobody, cwd: "/" });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `error: ${join(readOnly, "mulde.lock")}: this process may not write here; change the permissions, or choose another place. (TRAINER_NOT_WRITABLE)\n`,
    );
  });

  test("--log refuses a directory before the training, and leaves nothing", async () => {
    const out = none();
    const { code, stderr } = await mulde([...train(out), "--log", readOnly]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `${readOnly}: a directory is in the place of the file; remove it, or choose another place. (CLI_LOG)`,
    );
    expect(existsSync(out)).toBe(false);
  });

  test.skipIf(!existsSync("/dev/full"))("a log that is always full costs one warning", async () => {
    const { code, stderr } = await mulde([...train(none()), "--log", "/dev/full"]);
    expect(code).toBe(0);
    expect(stderr.match(/^Warning: .*$/gm)).toEqual([
      "Warning: /dev/full: the disk is full; free some space, or choose another place. The run goes on without its log.",
    ]);
  });

  test.skipIf(process.platform === "win32")(
    "a result that cannot be written is an error, but a reader that leaves early is none",
    async () => {
      const query = ["predict", whole, "--head", "n1", "--relation", "plus1", "--top", "40"];
      if (existsSync("/dev/full")) {
        const full = await mulde(query, { through: ["sh", "-c", 'exec "$@" > /dev/full', "sh"] });
        expect(full.code).toBe(1);
        expect(full.stderr).toContain(
          "error: stdout: the disk is full; free some space, or choose another place. (CLI_STDOUT)\n",
        );
      }
      const through = ["bash", "-c", '"$@" | true; exit "${PIPESTATUS[0]}"', "bash"];
      expect(await mulde(query, { through })).toMatchObject({ code: 0 });
    },
  );

  test("a report or a copy that cannot be read or written is told with its file", async () => {
    const out = none();
    const yaml = experiment();
    mkdirSync(join(out, "report.json"), { recursive: true });
    const report = join(out, "report.json");
    const read = await mulde(["run", yaml, "--out", out]);
    expect(read.code).toBe(1);
    expect(read.stderr).toContain(`error: ${report}: this is a directory, not a file; check the path. (CLI_FILE)`);
    rmSync(report, { recursive: true });
    mkdirSync(join(out, "experiment.yaml"));
    const copy = await mulde(["run", yaml, "--out", out]);
    expect(copy.stderr).toContain(`error: ${join(out, "experiment.yaml")}: a directory is in the place of the file`);
    expect((await mulde(["run", out, "--out", none()])).stderr).toContain(
      `error: ${out}: this is a directory, not a file`,
    );
  });
});
