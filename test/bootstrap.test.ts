import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root, rootManifest } from "./_workspace.js";

let folder: string;
let bin: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mulde-bootstrap-"));
  bin = join(folder, "bin");
  mkdirSync(bin);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** A program that is found first on the PATH of what a test runs. */
function program(name: string, ...lines: string[]): void {
  write(`bin/${name}`, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(join(bin, name), 0o755);
}

function node(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [join(folder, script), ...args], {
    encoding: "utf8",
    // Nothing but what a test puts there, and what a shell script needs.
    env: { PATH: [bin, "/usr/bin", "/bin"].join(":"), ...env },
  });
}

// Programs of a line or two stand for npx and for compilers: a Unix shell runs them.
const windows = process.platform === "win32";

describe.skipIf(windows)("npm start", () => {
  /** A repository whose pnpm is a program that writes down how it was called and fails when its arguments match a pattern. */
  function repository(failing = "nothing"): void {
    for (const file of ["package.json", "scripts/bootstrap.js", "scripts/_node.js", "scripts/_pnpm.js"])
      cpSync(join(root, file), join(folder, file), { recursive: true });
    const called = join(folder, "called");
    program(
      "npx",
      `echo "$@ notifier=$npm_config_update_notifier" >> "${called}"`,
      `case "$*" in *"${failing}"*) exit 1; esac`,
    );
    write("packages/kernels/scripts/build-native.js", 'throw new Error("cc1plus: no space left");');
    write("apps/cli/bin/mulde.js", "console.log(...process.argv.slice(2));");
  }
  const calls = () => readFileSync(join(folder, "called"), "utf8").trimEnd().split("\n");

  it("installs, builds and runs the quickstart, though the kernels' build fails", () => {
    repository();
    const { status, stdout, stderr } = node("scripts/bootstrap.js", ["start", "--json"]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "quickstart --json\n" });
    expect(stderr).toContain("cc1plus: no space left");
    const [install, build, ...more] = calls();
    expect(install).toContain(`--yes --prefer-offline ${rootManifest.packageManager!} install --frozen-lockfile`);
    expect(build).toContain("exec turbo run build");
    expect(build).toContain("--filter=@mulde/cli");
    expect(more).toEqual([]);
  });

  it("keeps the installer's and the builder's news to itself", () => {
    repository();
    const { stderr } = node("scripts/bootstrap.js", ["setup"]);
    expect(stderr.split("\n").filter((line) => line.startsWith("mulde: "))).toHaveLength(2);
    const [install, build] = calls();
    expect(install).toMatch(/ --loglevel=warn .*notifier=false$/);
    expect(build).toContain("--output-logs=errors-only");
  });

  it.each([
    ["install ", "the installation failed; see above", 1],
    ["turbo run build", "the build failed; see above", 2],
  ])("ends with a message when %s fails", (failing, message, count) => {
    repository(failing);
    const { status, stdout, stderr } = node("scripts/bootstrap.js", ["start"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(`mulde: ${message}`);
    expect(calls()).toHaveLength(count);
  });

  it("names the ways to call it when called in another", () => {
    repository();
    const { status, stderr } = node("scripts/bootstrap.js", ["begin"]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "mulde: usage: node scripts/bootstrap.js setup|start|test [arguments]\n",
    });
    expect(existsSync(join(folder, "called"))).toBe(false);
  });
});

it.skipIf(windows)("a compiler that answers --version and then fails leaves the kernels to WebAssembly", () => {
  const kernels = join(root, "packages/kernels");
  const built = /(^|\/)(dist|node_modules|coverage|\.turbo)$/;
  cpSync(kernels, join(folder, "kernels"), {
    recursive: true,
    filter: (path) => !built.test(path.slice(kernels.length)),
  });
  symlinkSync(join(kernels, "node_modules"), join(folder, "kernels/node_modules"));
  for (const name of ["g++", "clang++", "c++", "broken"])
    program(name, '[ "$1" = --version ] && exit 0', "echo 'cc1plus: no space left' >&2", "exit 1");
  const { status, stdout, stderr } = node("kernels/scripts/build-native.js", [], { CXX: join(bin, "broken") });
  expect(`${stdout}${stderr}`).toMatch(
    /broken, g\+\+, clang\+\+, c\+\+ cannot compile the native kernels; WebAssembly/,
  );
  expect(status, stderr).toBe(0);
  expect(existsSync(join(folder, "kernels/dist"))).toBe(false);
});
