// The program that a user writes first, from the README, and how long it takes from an `npm install` in an empty folder.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equal, match, ok } from "node:assert/strict";
import { execute } from "../_execute.js";
import { nodes } from "../_programs.js";
import { Skipped } from "../_skipped.js";

const readme = new URL("../../../README.md", import.meta.url);

/** The README's twenty lines as JavaScript, in a project. */
export async function twentyLines({ tools }, folder) {
  const [, code] = /^## Twenty lines\n+```ts\n(.*?)^```$/ms.exec(readFileSync(readme, "utf8"));
  const { ModuleKind, ScriptTarget, transpileModule } = await tools.module("typescript6");
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
  const file = join(folder, "twenty-lines.js");
  writeFileSync(file, transpileModule(code, { compilerOptions }).outputText);
  return file;
}

/** Checks what the twenty lines print: the Junior's size and metrics, and one prediction by name. */
export function checkTwentyLines({ stdout, stderr }) {
  equal(stderr, "");
  const [, mrr] = /^\d+ bytes, validation MRR (\d\.\d+)$/m.exec(stdout) ?? [];
  ok(Number(mrr) > 0.5, stdout);
  match(stdout, /head: ["']C["'],\s+relation: ["']fifth["'],\s+tail: ["']\w#?["']/);
}

const imported = ["@mulde/datasets", "@mulde/kge-models", "@mulde/mulde-trainer"];

/** Installs and runs on one engine, and prints both times. */
async function timed(session, engine) {
  const { projects, tools } = session;
  const folder = projects.empty(`twenty lines, ${engine}`);
  const node = await tools.bin("node20");
  await tools.bin("npm");
  const start = performance.now();
  const dependencies = Object.fromEntries(imported.map((name) => [name, "*"]));
  await projects.install(folder, "npm", "node20", { dependencies });
  const installed = performance.now();
  const file = await twentyLines(session, folder);
  const written = performance.now();
  const printed = await execute(node, [file], { cwd: folder, env: { MULDE_KERNELS: engine } });
  const seconds = (from, to) => Number(((to - from) / 1000).toFixed(2));
  const times = { install: seconds(start, installed), run: seconds(written, performance.now()) };
  checkTwentyLines(printed);
  console.log(JSON.stringify({ program: "twenty lines", engine, seconds: times }));
}

export function firstProgramCases(session) {
  const { projects, tools } = session;
  return [
    ...["native", "wasm"].map((engine) => ({
      name: `twenty lines: from an empty folder, ${engine}`,
      run: async () => {
        if (engine === "native" && !projects.native) throw new Skipped("no tarball has kernels for this machine");
        await timed(session, engine);
      },
    })),
    ...nodes.map((node) => ({
      name: `twenty lines: ${node}`,
      run: async () => {
        const folder = await projects.everything();
        const file = await twentyLines(session, folder);
        checkTwentyLines(await execute(await tools.bin(node), [file], { cwd: folder }));
      },
    })),
  ];
}
