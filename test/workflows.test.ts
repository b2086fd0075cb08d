import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { everyPackage, read, root, rootManifest } from "./_workspace.js";

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: { readonly version?: string; readonly "persist-credentials"?: boolean };
  readonly "working-directory"?: string;
}
interface Job {
  readonly "runs-on": string;
  readonly "timeout-minutes"?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string | readonly string[];
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = ".github/workflows";
const files = readdirSync(join(root, folder));

function workflow(file: string): Workflow {
  const document = parseDocument(read(`${folder}/${file}`));
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS() as Workflow;
}

it("CI and release are the workflows", () => {
  expect(files.sort()).toEqual(["ci.yml", "release.yml"]);
});

describe.each(files)("%s", (file) => {
  const { jobs, permissions, concurrency } = workflow(file);
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it("runs commands that are there", () => {
    const run = steps.flatMap((step) => [step.run ?? "", step.with?.version ?? ""]);
    const lines = run.flatMap((commands) => commands.split("\n")).map((line) => line.trim());
    const scripts = lines.flatMap((line) => /^npm (?:run )?(start|test|[\w:-]+)$/.exec(line)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((script) => rootManifest.scripts?.[script] === undefined)).toEqual([]);
    const named = lines.flatMap((line) => /^(?:node )?([\w.-]*(?:\/[\w.-]+)+)/.exec(line)?.[1] ?? []);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const folders = steps.flatMap((step) => step["working-directory"] ?? []);
    expect(folders.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("pins every action by its commit", () => {
    const used = read(`${folder}/${file}`).match(/uses:.*/g) ?? [];
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((line) => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it("asks for no secret, no registry by name, and no right that it does not need", () => {
    const text = read(`${folder}/${file}`);
    expect(text).not.toMatch(/secrets\.|registry-url|_authToken|NPM_TOKEN/i);
    expect(permissions).toBeDefined();
    const rights = Object.entries({ ...jobs, "": { permissions } }).flatMap(([name, job]) =>
      Object.entries(job.permissions ?? {}).map(([right, level]) => `${name} ${right}: ${level}`),
    );
    expect(rights.filter((right) => right.endsWith("write"))).toEqual(
      file === "ci.yml"
        ? []
        : [
            "version contents: write",
            "version pull-requests: write",
            "publish contents: write",
            "publish id-token: write",
          ],
    );
  });

  it("ends, and does not run beside itself", () => {
    expect(concurrency?.group).toBeTruthy();
    for (const [name, job] of Object.entries(jobs)) expect(job["timeout-minutes"], name).toBeGreaterThan(0);
  });

  it("keeps no token where it is not needed", () => {
    for (const [name, job] of Object.entries(jobs)) {
      const checkout = job.steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
      const pushes = job.permissions?.contents === "write";
      expect(checkout?.with?.["persist-credentials"], name).toBe(pushes ? undefined : false);
    }
  });
});

it("CI runs what the README tells, on every system and Node, and .ci/run on Linux", () => {
  const { readme, everything } = workflow("ci.yml").jobs;
  const { os, node } = readme!.strategy!.matrix;
  for (const system of ["ubuntu", "macos", "windows"])
    expect(
      os!.some((name) => String(name).startsWith(`${system}-`)),
      system,
    ).toBe(true);
  expect(node).toEqual(["20.19.0", "20", "22", "24"]);
  const commands = readme!.steps.map(({ run }) => run).filter((run) => run !== undefined);
  expect(commands).toEqual(["npm start", "npx mulde info", "npm test"]);
  expect(everything!["runs-on"]).toMatch(/^ubuntu-/);
  expect(everything!.steps.at(-1)?.run).toBe(".ci/run");
});

it("a release publishes only what ran the kernels' suite on every platform", () => {
  const { suite, musl, publish } = workflow("release.yml").jobs;
  const keys = [suite!, musl!].flatMap(({ strategy }) =>
    strategy!.matrix.include!.map((entry) => (entry as { key: string }).key),
  );
  const platforms = everyPackage(root).flatMap(
    ({ manifest }) => /^@mulde\/kernels-(.+)$/.exec(manifest.name)?.[1] ?? [],
  );
  expect(keys.sort()).toEqual(platforms.sort());
  expect(publish!.needs).toEqual(expect.arrayContaining(["binaries", "suite", "musl"]));
});
