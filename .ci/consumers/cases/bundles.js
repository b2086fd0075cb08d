// Bundles of each bundler, for Node and for pages: they run where there is no node_modules, and answer as the packages themselves do.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bundled } from "../_bundlers.js";
import { execute, lastJson } from "../_execute.js";
import { openChromium, serve } from "../_pages.js";
import { nodes, program, runProgram } from "../_programs.js";

const programs = ["ranks", "top-k", "model", "training"];

/** How the bundles of each bundler get the kernels' WebAssembly, as the README of @mulde/kernels tells. */
const matrix = {
  esbuild: { "node-esm": "imported", "node-cjs": "imported", browser: "imported" },
  rolldown: { "node-esm": "imported", "node-cjs": "imported", browser: "resolved" },
  vite: { "node-esm": "beside", browser: "plain" },
  webpack: { "node-esm": "plain", "node-cjs": "plain", browser: "plain" },
};

/** Two answers are the same but for rounding, and for what differs by the host. */
function same(answer, wanted, path) {
  if (answer?.error) throw new Error(`${path}: ${answer.error.code}: ${answer.error.message}`);
  if (typeof wanted === "number") {
    ok(Math.abs(answer - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)), `${path}: ${answer}, not ${wanted}`);
  } else if (typeof wanted === "object") {
    deepEqual(Object.keys(answer).sort(), Object.keys(wanted).sort(), path);
    for (const key of Object.keys(wanted)) if (key !== "threads") same(answer[key], wanted[key], `${path}.${key}`);
  } else {
    equal(answer, wanted, path);
  }
}

/** What the cases share: the project to bundle from, a server, Chromium, a saved model, and the answers of the packages themselves. */
class Workshop {
  #session;
  #shared = new Map();

  constructor(session) {
    this.#session = session;
  }

  #once(name, make) {
    if (!this.#shared.has(name)) this.#shared.set(name, make());
    return this.#shared.get(name);
  }

  project() {
    return this.#once("project", async () => {
      const folder = await this.#session.projects.everything();
      cpSync(program("bundled"), folder, { recursive: true });
      return folder;
    });
  }

  /** The folder of all bundles, and of the model; it has no node_modules. */
  bundles() {
    return this.#once("bundles", async () => {
      const folder = this.#session.projects.empty("bundles");
      await runProgram(this.#session, "save-model.js", await this.project(), { args: [join(folder, "model")] });
      return folder;
    });
  }

  server() {
    return this.#once("server", async () => serve(await this.bundles()));
  }

  chromium() {
    return this.#once("chromium", () => openChromium(this.#session.tools));
  }

  async modelUrl(part) {
    return (await this.server()).url(part, "model/");
  }

  /** What the packages answer where nothing is bundled. */
  wanted(name) {
    return this.#once(`wanted ${name}`, async () => {
      const code = `import { answer } from "./${name}.js";
      console.log(JSON.stringify(await answer({ model: process.argv[1] })));`;
      const args = ["--input-type=module", "--eval", code, "--", await this.modelUrl("plain")];
      const options = { cwd: await this.project(), env: { MULDE_KERNELS: "wasm" } };
      return lastJson(await execute(await this.#session.tools.bin("node20"), args, options));
    });
  }

  /** Builds a bundle, into a folder among the others unless another one is given. */
  async bundle(task, folder) {
    const { bundler, program: name, target, way } = task;
    const out = folder ?? join(await this.bundles(), [bundler, name, target, way].join(" "));
    const { file, warnings } = await bundled(this.#session.tools, await this.project(), out, task);
    return { file, out, warnings };
  }

  async inNode(file, node) {
    const args = [file, await this.modelUrl("plain")];
    const printed = await execute(await this.#session.tools.bin(node), args, { cwd: "/" });
    return { ...lastJson(printed), complaints: printed.stderr };
  }

  async inPage(out, part) {
    const page = (await this.server()).url(part, `${basename(out)}/index.html`);
    return (await this.chromium()).answer(`${page}?model=${encodeURIComponent(await this.modelUrl(part))}`);
  }

  async close() {
    await (await this.#shared.get("chromium")?.catch(() => undefined))?.close();
    (await this.#shared.get("server")?.catch(() => undefined))?.close();
  }
}

/** A bundle that answers as the packages do. */
async function answers(workshop, whole, task) {
  const { file, out, warnings } = await workshop.bundle(task);
  const wanted = await workshop.wanted(task.program);
  if (task.target === "browser") {
    for (const part of ["plain", "isolated"]) {
      const { complaints, loaded, ...answer } = await workshop.inPage(out, part);
      same(answer, wanted, part);
      deepEqual(complaints, []);
      if ("threads" in answer && part === "plain") equal(answer.threads, 1);
      if (part === "plain") console.log(JSON.stringify({ page: basename(out), loaded }));
    }
  } else {
    for (const node of whole ? nodes : nodes.slice(0, 1)) {
      const { complaints, ...answer } = await workshop.inNode(file, node);
      same(answer, wanted, node);
      equal(complaints, "");
    }
  }
  deepEqual(warnings, []);
}

/** A bundle that lacks the WebAssembly says which option brings it. */
async function asks(workshop, task) {
  const { file, out } = await workshop.bundle({ ...task, way: "plain" });
  const browser = task.target === "browser";
  const { error } = browser ? await workshop.inPage(out, "plain") : await workshop.inNode(file, "node20");
  equal(error?.code, "KERNELS_NO_WASM");
  match(error.message, /createKernels\(\{ wasm \}\)/);
}

/** A bundle that leaves the kernels where npm installed them runs the native ones. */
async function leavesKernels(workshop, { projects }) {
  const folder = join(await workshop.project(), "external");
  const task = { bundler: "esbuild", target: "node-esm", program: "top-k", way: "plain", external: ["@mulde/kernels"] };
  const { file } = await workshop.bundle(task, folder);
  const { kind } = await workshop.inNode(file, "node20");
  equal(kind, projects.native ? "native" : "wasm");
}

/** A page without a bundler: an import map names the packages' files. */
async function mapsImports(workshop) {
  const out = join(await workshop.bundles(), "no bundler");
  const packages = join(await workshop.project(), "node_modules/@mulde");
  for (const name of ["errors", "kernels"]) cpSync(join(packages, name), join(out, name), { recursive: true });
  cpSync(program("bundled/top-k.js"), join(out, "top-k.js"));
  const imports = { "@mulde/kernels": "./kernels/dist/browser.js", "@mulde/errors": "./errors/dist/index.js" };
  writeFileSync(
    join(out, "index.html"),
    `<!doctype html><link rel="icon" href="data:," /><script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">import { answer } from "./top-k.js"; globalThis.answered = answer({});</script>`,
  );
  for (const part of ["plain", "isolated"]) {
    const { complaints, loaded, ...answer } = await workshop.inPage(out, part);
    same(answer, await workshop.wanted("top-k"), part);
    deepEqual(complaints, []);
    if (part === "plain") console.log(JSON.stringify({ page: basename(out), loaded }));
  }
}

export function bundleCases(session) {
  const workshop = new Workshop(session);
  session.closing.push(() => workshop.close());
  const external = { name: "bundle: esbuild, node-esm, kernels external", run: () => leavesKernels(workshop, session) };
  const bundles = Object.entries(matrix).flatMap(([bundler, targets]) =>
    Object.entries(targets).flatMap(([target, way]) => [
      ...programs.map((name) => ({
        name: `bundle: ${bundler}, ${target}, ${name}`,
        run: () =>
          answers(workshop, session.whole, { bundler, target, program: name, way: name === "ranks" ? "plain" : way }),
      })),
      {
        name: `bundle: ${bundler}, ${target}, without the WebAssembly`,
        run: () => asks(workshop, { bundler, target, program: "top-k" }),
        needed: way !== "plain",
      },
    ]),
  );
  const none = { name: "bundle: none, browser, top-k", run: () => mapsImports(workshop) };
  return [...bundles.filter(({ needed = true }) => needed), external, none];
}
