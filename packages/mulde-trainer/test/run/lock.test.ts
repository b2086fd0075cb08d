import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { holdLock } from "../../src/index.js";
import { failure } from "../_runs.js";

// Other processes take locks by what is built.
const built = new URL("../../dist/index.js", import.meta.url).href;
const proc = existsSync("/proc/self/stat");
if (!proc) console.warn("This machine has no /proc: the tests of reused pids and of zombies are skipped.");
const children: ChildProcess[] = [];
let directory: string;
let path: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mulde-lock-"));
  path = join(directory, "out", "mulde");
  file = `${path}.lock`;
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

/** A process that says "ready", and at its first input takes the lock; then it says so, or why not, and stays until it is killed. */
async function contender(): Promise<ChildProcess> {
  const program = `
    import { holdLock } from ${JSON.stringify(built)};
    process.stdin.on("data", () => {
      try { holdLock(${JSON.stringify(path)}); console.log("held"); } catch (error) { console.log(error.code); }
    });
    console.log("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  child.stdout!.setEncoding("utf8");
  await once(child.stdout!, "data");
  return child;
}

async function take(child: ChildProcess): Promise<string> {
  const answer = once(child.stdout!, "data") as Promise<[string]>;
  child.stdin!.write("go\n");
  return (await answer)[0].trim();
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** The lock of a process that was killed. */
async function leaveDeadLock(): Promise<void> {
  const child = await contender();
  expect(await take(child)).toBe("held");
  await kill(child);
  expect(readdirSync(join(directory, "out"))).toEqual(["mulde.lock"]);
}

const content = (): Record<string, unknown> => JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
const write = (owner: object): void => writeFileSync(file, `${JSON.stringify(owner)}\n`);

describe("a lock", () => {
  it("is held once, and says by whom", () => {
    const lock = holdLock(path);
    const error = failure(() => holdLock(path));
    expect(error).toMatchObject({ code: "TRAINER_LOCKED", file });
    const { pid, host, command, since } = content() as Record<string, string>;
    expect([pid, host]).toEqual([process.pid, hostname()]);
    for (const part of [pid, host, command, since]) expect(error.message).toContain(part);
    lock.release();
    holdLock(path).release();
  });

  it("leaves nothing, nor the directories that it made", () => {
    holdLock(path).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves directories that were there, or hold something by then", () => {
    mkdirSync(join(directory, "out"));
    holdLock(path).release();
    expect(readdirSync(directory)).toEqual(["out"]);
    const deep = join(directory, "a", "b", "mulde");
    const lock = holdLock(deep);
    writeFileSync(join(directory, "a", "model"), "");
    lock.release();
    expect(readdirSync(join(directory, "a"))).toEqual(["model"]);
  });

  it("is released once: a second call does not touch the next holder's", () => {
    const lock = holdLock(path);
    lock.release();
    const next = holdLock(path);
    lock.release();
    expect(existsSync(file)).toBe(true);
    next.release();
  });

  it.each([
    ["empty", ""],
    ["cut", '{"pid":'],
    ["of another shape", '{"pid":"one"}'],
    ["no text", "\u0000\u0001"],
  ])("does not count if its file is %s", (_, text) => {
    mkdirSync(join(directory, "out"));
    writeFileSync(file, text);
    holdLock(path).release();
    expect(readdirSync(join(directory, "out"))).toEqual([]);
  });

  it.skipIf(!proc)("does not count if another process has its pid by now", () => {
    const lock = holdLock(path);
    const own = content();
    lock.release();
    mkdirSync(join(directory, "out"));
    // This very process lives, but did not start then.
    write({ ...own, started: String(Number(own.started) - 1) });
    holdLock(path).release();
    write(own);
    expect(failure(() => holdLock(path)).code).toBe("TRAINER_LOCKED");
  });

  it("of another machine or container counts as long as it shows that it lives", () => {
    const lock = holdLock(path);
    const own = content();
    lock.release();
    mkdirSync(join(directory, "out"));
    for (const elsewhere of [
      { ...own, host: "other", boot: "other" },
      { ...own, namespace: "pid:[1]" },
    ]) {
      write(elsewhere);
      expect(failure(() => holdLock(path)).message).toContain("a minute after its end");
      const minuteAgo = Date.now() / 1000 - 61;
      utimesSync(file, minuteAgo, minuteAgo);
      holdLock(path).release();
    }
  });

  it("fails where a file is in the place of its directory, or above it", () => {
    writeFileSync(join(directory, "out"), "");
    const inPlace = failure(() => holdLock(path));
    expect(inPlace).toMatchObject({ code: "TRAINER_NOT_WRITABLE", file: join(directory, "out") });
    expect(inPlace.message).toContain("a file is in the place of this directory");
    const below = failure(() => holdLock(join(path, "below", "mulde")));
    expect(below).toMatchObject({ code: "TRAINER_NOT_WRITABLE", file: join(path, "below") });
    expect(below.message).toContain("a part of the path is a file");
  });
});

describe("between processes", () => {
  it("the second one is refused, and may go on once the first one has ended", async () => {
    const [first, second] = [await contender(), await contender()];
    expect(await take(first)).toBe("held");
    expect(failure(() => holdLock(path)).message).toContain(`process ${first.pid} on ${hostname()}`);
    expect(await take(second)).toBe("TRAINER_LOCKED");
    const ended = once(first, "exit");
    first.stdin!.end();
    await ended;
    // The end of the process has given it back.
    expect(existsSync(file)).toBe(false);
  });

  it("the lock of a killed one is taken over at once", async () => {
    await leaveDeadLock();
    holdLock(path).release();
    expect(readdirSync(join(directory, "out"))).toEqual([]);
  });

  it.skipIf(!proc)("so it is while nobody has asked for the killed one's exit code", async () => {
    // A shell that does not wait keeps its child as a zombie.
    const program = `import { holdLock } from ${JSON.stringify(built)}; holdLock(${JSON.stringify(path)}); process.kill(process.pid, "SIGKILL");`;
    const shell = spawn("sh", ["-c", `"$0" --input-type=module -e '${program}' & exec sleep 60`, process.execPath]);
    children.push(shell);
    await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
    const { pid } = content();
    const stat = `/proc/${String(pid)}/stat`;
    await expect
      .poll(() => existsSync(stat) && readFileSync(stat, "utf8").includes(") Z "), { timeout: 30_000 })
      .toBe(true);
    holdLock(path).release();
  });

  it("of ten that find a dead lock at the same moment exactly one wins", async () => {
    const rivals = await Promise.all(Array.from({ length: 10 }, contender));
    await leaveDeadLock();
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(rivals.map(take));
      expect(answers.filter((answer) => answer === "held")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "TRAINER_LOCKED")).toHaveLength(9);
      expect(readdirSync(join(directory, "out"))).toEqual(["mulde.lock"]);
      const winner = answers.indexOf("held");
      await kill(rivals[winner]!);
      rivals[winner] = await contender();
    }
  });

  it("what killed processes left is removed by the next one", async () => {
    await leaveDeadLock();
    for (const name of ["0123456789abcdef", "some-id.tmp"]) writeFileSync(`${file}.${name}`, readFileSync(file));
    holdLock(path).release();
    expect(readdirSync(join(directory, "out"))).toEqual([]);
  });
});
