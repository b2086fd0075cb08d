// The packages with prebuilt addons, and where the addon is looked for.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { platforms } from "../scripts/platforms.js";
import { findAddon, packaged, platformKey } from "../src/_addon.js";
import { nativeEngine } from "../src/native.js";

const here = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mulde-platforms-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

// pnpm tells Node by NODE_PATH where this workspace's packages are; whoever installs them has no such thing.
beforeAll(() => {
  vi.stubEnv("NODE_PATH", undefined);
  (Module as unknown as { _initPaths: () => void })._initPaths();
});

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main: string;
  readonly files: readonly string[];
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly publishConfig: Readonly<Record<string, unknown>>;
}

const manifestIn = (place: string) => JSON.parse(readFileSync(join(here, place, "package.json"), "utf8")) as Manifest;

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A module's URL in a project of its own, in which nothing is installed. */
const moduleIn = (project: string) => [pathToFileURL(join(folder, project, "src/index.js")).href];

describe("the platforms' packages", () => {
  it("are those of the table, and optional dependencies in this version", () => {
    const keys = Object.keys(platforms);
    expect(readdirSync(join(here, "platforms")).sort()).toEqual([...keys].sort());
    expect([...packaged].sort()).toEqual([...keys].sort());
    const { optionalDependencies } = manifestIn(".");
    expect(optionalDependencies).toEqual(
      Object.fromEntries(keys.map((key) => [`@mulde/kernels-${key}`, "workspace:*"])),
    );
  });

  it.each(Object.entries(platforms))("%s installs where its addon fits, and brings it", (key, { os, cpu, libc }) => {
    const { name, version, main, files, publishConfig } = manifestIn(`platforms/${key}`);
    expect(name).toBe(`@mulde/kernels-${key}`);
    expect(version).toBe(manifestIn(".").version);
    // pnpm moves these up when it packs. In the workspace they would make it warn of six foreign platforms at each installation.
    expect(publishConfig).toEqual({ access: "public", os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) });
    expect(main).toBe("mulde.node");
    expect(files).toContain("mulde.node");
  });

  it("cannot be packed without the addon", () => {
    write("empty/package.json", '{ "name": "@mulde/kernels-linux-x64-musl" }');
    const check = () =>
      spawnSync(process.execPath, [join(here, "scripts/check-built.js")], {
        cwd: join(folder, "empty"),
        encoding: "utf8",
      });
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain(
      'has no mulde.node: run "node packages/kernels/scripts/build-platforms.js linux-x64-musl"',
    );
    write("empty/mulde.node", "");
    expect(check().status).toBe(0);
  });
});

describe("the addon", () => {
  it("is named by platform, processor and C library", () => {
    const { header } = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
    const libc = header.glibcVersionRuntime === undefined ? "musl" : "gnu";
    const { platform, arch } = process;
    expect(platformKey()).toBe(platform === "linux" ? `${platform}-${arch}-${libc}` : `${platform}-${arch}`);
  });

  it("comes from the platform's package", () => {
    const package_ = "installed/node_modules/@mulde/kernels-linux-x64-musl";
    write(`${package_}/package.json`, '{ "main": "mulde.node" }');
    const path = write(`${package_}/mulde.node`, "");
    expect(findAddon("linux-x64-musl", moduleIn("installed"))).toEqual({ path });
    // glibc's would not load on musl.
    expect(findAddon("linux-x64-gnu", moduleIn("installed"))).toHaveProperty("reason");
  });

  it("comes from this checkout first, or lies beside a bundle", () => {
    write("both/node_modules/@mulde/kernels-win32-x64/package.json", '{ "main": "mulde.node" }');
    write("both/node_modules/@mulde/kernels-win32-x64/mulde.node", "");
    const built = write("both/dist/mulde-win32-x64.node", "");
    expect(findAddon("win32-x64", moduleIn("both"))).toEqual({ path: built });
    const beside = write("both/src/mulde-win32-x64.node", "");
    expect(findAddon("win32-x64", moduleIn("both"))).toEqual({ path: beside });
  });

  it.each([
    [
      "is not installed",
      "linux-x64-gnu",
      "no native kernels are installed for linux-x64-gnu (install @mulde/kernels-linux-x64-gnu, which --omit=optional leaves out)",
    ],
    ["is made for nobody", "sunos-x64", "no native kernels are made for sunos-x64"],
  ])("gives its reason if it %s", (_, key, reason) => {
    expect(findAddon(key, moduleIn("nothing"))).toEqual({ reason });
    expect(nativeEngine(1, "", findAddon(key, moduleIn("nothing")))).toEqual({ code: "KERNELS_NOT_NATIVE", reason });
  });

  it("gives its reason if this checkout has not built it", () => {
    write("checkout/node_modules/@mulde/kernels-darwin-x64/package.json", '{ "main": "mulde.node" }');
    expect(findAddon("darwin-x64", moduleIn("checkout"))).toEqual({
      reason: "no native kernels are built for darwin-x64 in this checkout (CONTRIBUTING.md tells how)",
    });
  });

  it("gives its reason in one line if it does not load", () => {
    const path = write("broken/mulde.node", "no library");
    const { reason } = nativeEngine(1, "", { path }) as { readonly reason: string };
    expect(reason).toContain(`the native kernels in ${path} do not load (`);
    expect(reason).not.toContain("\n");
  });

  // Where none was built, there is none to refuse.
  it.skipIf("reason" in findAddon())("gives its reason if Node.js may load no addons", () => {
    const program = `import { createKernels } from ${JSON.stringify(pathToFileURL(join(here, "dist/index.js")).href)};
      console.log((await createKernels({ threads: 1 })).engine.fallback);`;
    const { stdout } = spawnSync(process.execPath, ["--no-addons", "--input-type=module", "-e", program], {
      encoding: "utf8",
      env: { ...process.env, MULDE_KERNELS: "" },
    });
    expect(stdout.trim()).toBe("Node.js loads no addons here (--no-addons, or --permission without --allow-addons)");
  });
});
