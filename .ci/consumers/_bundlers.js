// Bundles a program with each bundler, as its own documentation has it.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// How the program gets the kernels' WebAssembly.
const ways = {
  // from the package, by the file that it names itself
  plain: "const options = undefined;",
  // the same, where an option of the bundler is needed to see the file
  resolved: "const options = undefined;",
  // from the file that the bundler packs
  imported: `import wasm from "@mulde/kernels/mulde.wasm";
const options = { wasm };`,
  // from the file beside the bundle, where the program's author copied it
  beside: `const options = { wasm: new URL("mulde.wasm", import.meta.url) };`,
};

const told = "(error) => ({ error: { code: error.code ?? null, message: String(error.message) } })";
const ends = {
  node: `answer({ model: process.argv[2], options })
  .catch(${told})
  .then((result) => console.log(JSON.stringify(result)));`,
  browser: `const model = new URLSearchParams(location.search).get("model");
globalThis.answered = answer({ model, options }).catch(${told});`,
};

/** Writes the program that a bundler starts from, and its page. */
function entry(folder, program, way, platform) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "main.js");
  writeFileSync(file, `import { answer } from "../${program}.js";\n${ways[way]}\n${ends[platform]}\n`);
  writeFileSync(join(folder, "index.html"), page("./main.js"));
  return file;
}

/** A page that runs a module, and asks for nothing else. */
const page = (script) =>
  `<!doctype html><meta charset="utf-8" /><link rel="icon" href="data:," /><script type="module" src="${script}"></script>`;

async function esbuild(tools, { input, out, format, platform, way, external = [] }) {
  const { build } = await tools.module("esbuild");
  const outfile = join(out, format === "cjs" ? "app.cjs" : "app.js");
  const { warnings } = await build({
    entryPoints: [input],
    bundle: true,
    minify: true,
    format,
    platform,
    target: platform === "node" ? "node20.19" : "es2022",
    loader: way === "imported" ? { ".wasm": platform === "node" ? "binary" : "file" } : {},
    external,
    outfile,
    logLevel: "silent",
  });
  return { file: outfile, warnings: warnings.map(({ text }) => text) };
}

async function rolldown(tools, { input, out, format, platform, way }) {
  const { build } = await tools.module("rolldown");
  const warnings = [];
  const name = format === "cjs" ? "app.cjs" : "app.js";
  await build({
    input,
    platform,
    moduleTypes: way === "imported" ? { ".wasm": "binary" } : {},
    experimental: { resolveNewUrlToAsset: way === "resolved" },
    onLog: (_level, { message }) => warnings.push(message),
    output: { dir: out, format, minify: true, entryFileNames: name, chunkFileNames: "[name]-[hash].js" },
  });
  return { file: join(out, name), warnings };
}

async function vite(tools, { input, out, format, platform }) {
  const { build } = await tools.module("vite");
  const warnings = [];
  const warn = (message) => void warnings.push(message);
  const quiet = () => undefined;
  const customLogger = {
    info: quiet,
    warn,
    warnOnce: warn,
    error: warn,
    clearScreen: quiet,
    hasErrorLogged: () => false,
  };
  const node = {
    ssr: { noExternal: true },
    build: {
      ssr: input,
      outDir: out,
      emptyOutDir: true,
      rolldownOptions: { output: { format, entryFileNames: "app.js" } },
    },
  };
  const browser = {
    base: "./",
    build: { outDir: out, emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 5000 },
  };
  await build({
    root: join(input, ".."),
    configFile: false,
    logLevel: "warn",
    customLogger,
    ...(platform === "node" ? node : browser),
  });
  return { file: join(out, "app.js"), warnings };
}

async function webpack(tools, { input, out, format, platform, program }) {
  const run = await tools.module("webpack");
  const name = format === "cjs" ? "app.cjs" : "app.js";
  const module = format === "esm";
  const configuration = {
    mode: "production",
    entry: input,
    target: platform === "node" ? "node20.19" : "web",
    experiments: { outputModule: module },
    output: { path: out, filename: name, module, chunkFormat: module ? "module" : "commonjs" },
    performance: { hints: false },
    // Terser takes half a minute for TensorFlow.js, which only this page loads.
    optimization: { minimize: platform === "browser" && program !== "training" },
  };
  const stats = await new Promise((resolve, reject) =>
    run(configuration, (error, result) => (error ? reject(error) : resolve(result))),
  );
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return { file: join(out, name), warnings: warnings.map(({ message }) => message) };
}

const bundlers = { esbuild, rolldown, vite, webpack };

/**
 * Bundles a program of a project into a folder of its own.
 *
 * @param task - `bundler`, `program`, `target` (`node-esm`, `node-cjs` or `browser`), `way` of the kernels; esbuild's `external` packages
 * @returns The file to run, and the bundler's warnings
 */
export async function bundled(tools, project, out, { bundler, program, target, way, external }) {
  const [platform, format = "esm"] = target.split("-");
  const input = entry(join(project, `${program}, ${target}, ${way}`), program, way, platform);
  mkdirSync(out, { recursive: true });
  const result = await bundlers[bundler](tools, { input, out, format, platform, way, program, external });
  if (way === "beside")
    copyFileSync(join(project, "node_modules/@mulde/kernels/wasm/mulde.wasm"), join(out, "mulde.wasm"));
  if (format === "esm" && platform === "node") writeFileSync(join(out, "package.json"), '{ "type": "module" }');
  if (platform === "browser" && bundler !== "vite") writeFileSync(join(out, "index.html"), page("./app.js"));
  return result;
}
