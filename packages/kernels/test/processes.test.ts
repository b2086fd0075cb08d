// Tests in processes of their own: threads that come and go, compilers that fail.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { platformKey } from "../src/_addon.js";
import { engines } from "./_engines.js";

const here = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as { version: string };
const folder = mkdtempSync(join(tmpdir(), "mulde-processes-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function node(program: string, env: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: here,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

const native = engines[0]!.options.engine === "native";
const library = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);

it("a second copy of this package is told once, with both versions and the fix", () => {
  // As a package manager leaves them: each with its dependency beside it.
  const copies = ["one", "two"].map((name) => {
    const copy = join(folder, name);
    mkdirSync(join(copy, "node_modules", "@mulde"), { recursive: true });
    for (const part of ["dist", "wasm", "package.json"])
      cpSync(join(here, part), join(copy, part), { recursive: true });
    const errors = fileURLToPath(new URL("../../errors", import.meta.url));
    symlinkSync(errors, join(copy, "node_modules", "@mulde", "errors"), "junction");
    return pathToFileURL(join(copy, "dist", "index.js")).href;
  });
  const { stdout, stderr } = node(`
    for (const url of ${JSON.stringify(copies)}) {
      const { createKernels } = await import(url);
      for (const threads of [1, 1]) await (await createKernels({ engine: "wasm", threads })).close();
    }
    console.log("done");`);
  expect(stdout).toBe("done\n");
  expect(stderr.match(/Two copies/g)).toHaveLength(1);
  const [one, two] = copies.map((url) => url.replace("index.js", ""));
  expect(stderr).toContain(`MuldeWarning: Two copies of @mulde/kernels are in use: ${version} (${one}`);
  expect(stderr).toContain(` and ${version} (${two}`);
  expect(stderr).toContain("Install one version (npm dedupe)");
});

describe.skipIf(!native || process.platform !== "linux")("the native engine, loaded only in worker threads,", () => {
  // Each worker calls a kernel so many times, or until it is terminated.
  const worker = (rounds: string) => `
    const { parentPort } = require("node:worker_threads");
    import(${library}).then(async ({ createKernels }) => {
      const kernels = await createKernels({ engine: "native", threads: 3 });
      const options = { positiveWeight: 1, negativeWeight: 1, adversarial: 0 };
      const scores = kernels.engine.float32(400_000);
      for (let i = 0; i < ${rounds}; i++) {
        kernels.bce(4000, 100, scores, options, scores);
        if (i === 0) parentPort.postMessage("at work");
      }
      await kernels.close();
    });`;

  it.each([
    ["end normally", "3", ""],
    ["are terminated in the middle of a call", "Infinity", "await worker.terminate();"],
  ])("ends its threads with the workers if those %s", (_, rounds, end) => {
    const { status, stdout, stderr } = node(`
      import { readdirSync } from "node:fs";
      import { once } from "node:events";
      import { Worker } from "node:worker_threads";
      const counts = [];
      for (let i = 0; i < 20; i++) {
        const worker = new Worker(${JSON.stringify(worker(rounds))}, { eval: true, execArgv: [] });
        // Listening before the worker may end.
        const ended = once(worker, "exit");
        await once(worker, "message");
        ${end}
        await ended;
        counts.push(readdirSync("/proc/self/task").length);
      }
      console.log(JSON.stringify(counts));`);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const counts = JSON.parse(stdout) as number[];
    expect(counts).toHaveLength(20);
    expect(Math.max(...counts.slice(10))).toBeLessThanOrEqual(Math.max(...counts.slice(0, 3)));
  });
});

describe.skipIf(process.platform === "win32")("the native build", () => {
  const build = (directory: string, env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [join(here, "scripts", "build-native.js"), directory], {
      encoding: "utf8",
      env: { ...process.env, MULDE_KERNELS: "", CXX: "", ...env },
    });

  /** A directory of compilers that answer --version and fail otherwise. */
  function brokenCompilers(): string {
    const bin = mkdtempSync(join(folder, "bin-"));
    for (const name of ["g++", "clang++", "c++"]) {
      const file = join(bin, name);
      writeFileSync(
        file,
        `#!/bin/sh\ncase "$1" in --version) echo broken 1.0 ;; *) echo no such header >&2; exit 1 ;; esac\n`,
      );
      chmodSync(file, 0o755);
    }
    return bin;
  }

  it.skipIf(!["x64", "arm64"].includes(process.arch))("succeeds with one line if every compiler fails", () => {
    const directory = mkdtempSync(join(folder, "dist-"));
    // A file from an earlier build, perhaps of another version.
    const stale = join(directory, `mulde-${platformKey()}.node`);
    writeFileSync(stale, "");
    const PATH = `${brokenCompilers()}${delimiter}/bin${delimiter}/usr/bin`;
    const { status, stdout, stderr } = build(directory, { PATH });
    expect(stderr).toBe("");
    expect(stdout).toBe(
      "@mulde/kernels: g++, clang++, c++ cannot compile the native kernels; WebAssembly will be used, which takes about twice the time\n",
    );
    expect(status).toBe(0);
    expect(existsSync(stale)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.skipIf(!["x64", "arm64"].includes(process.arch))("fails and shows why if you request native kernels", () => {
    const directory = mkdtempSync(join(folder, "dist-"));
    const { status, stderr } = build(directory, { PATH: brokenCompilers(), MULDE_KERNELS: "native" });
    expect(status).toBe(1);
    expect(stderr).toContain("no such header");
  });

  it("succeeds if there is no compiler, or none is wanted", () => {
    const directory = mkdtempSync(join(folder, "dist-"));
    const none = build(directory, { PATH: directory });
    expect(none.status).toBe(0);
    expect(none.stdout).toMatch(
      /^@mulde\/kernels: (no C\+\+ compiler|there are no native kernels for .*); WebAssembly will be used/,
    );
    expect(build(directory, { MULDE_KERNELS: "wasm" }).stdout).toMatch(/^@mulde\/kernels: .*; WebAssembly/);
  });
});
