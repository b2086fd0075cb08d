import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { join } from "node:path";
import { root } from "./_workspace.js";

/** What a page gets. */
export interface Bundle {
  /** The text of all chunks. */
  readonly text: string;
  /** Minified and gzipped sizes, in bytes, of the chunks that the page loads at once: the first and what it imports. */
  readonly size: number;
  readonly gzipped: number;
  /** The files whose code is in those chunks, from the root. */
  readonly files: readonly string[];
  /** What the bundler has left for the page to find. */
  readonly external: readonly string[];
}

// The trainer depends on every package with code that others import.
const from = join(root, "packages/mulde-trainer");

/**
 * Bundles a module for a browser as an application does: minified, and with splitting what is imported later in chunks of its own. Those
 * share whole files with the page, so what becomes of unused code shows without.
 */
export async function bundled(code: string, { splitting = true } = {}): Promise<Bundle> {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: code, resolveDir: from },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    splitting,
    format: "esm",
    platform: "browser",
    outdir: "bundled",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  // Chunks of ours import chunks that have nothing for the page; bundlers say that in a workspace alone.
  const told = warnings.filter(({ id }) => id !== "ignored-bare-import");
  if (told.length > 0) throw new Error(told.map(({ text }) => text).join("\n"));
  const texts = new Map(outputFiles.map(({ path, text }) => [path.slice(root.length), text]));
  const loaded = loadedAtOnce(metafile);
  const page = loaded.map((path) => texts.get(path)!).join("");
  return {
    text: [...texts.values()].join(""),
    size: Buffer.byteLength(page),
    gzipped: gzipSync(page).length,
    files: loaded.flatMap((path) => used(metafile.outputs[path]!.inputs)),
    external: Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    ),
  };
}

/** The first chunk and those that it imports, not those that it imports later. */
function loadedAtOnce({ outputs }: Metafile): string[] {
  const first = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === "<stdin>")!;
  const loaded = new Set([first]);
  for (const path of loaded) {
    for (const { path: next, kind, external } of outputs[path]!.imports) {
      if (!external && kind === "import-statement") loaded.add(next);
    }
  }
  return [...loaded];
}

function used(inputs: Metafile["outputs"][string]["inputs"]): string[] {
  return Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}

/** What a built file of a package imports when Node loads it, apart from the package's own files: packages and modules of Node. */
export async function importsInNode(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [file],
    absWorkingDir: root,
    bundle: true,
    packages: "external",
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: "bundled",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const first = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]!.entryPoint === file)!;
  const names = new Set<string>();
  const seen = new Set([first]);
  for (const path of seen) {
    for (const { path: next, kind, external } of metafile.outputs[path]!.imports) {
      if (kind !== "import-statement") continue;
      if (external) names.add(next);
      else seen.add(next);
    }
  }
  return [...names].sort();
}
