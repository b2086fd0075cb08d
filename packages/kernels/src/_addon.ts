// Where the native kernels of this platform are: built in this checkout, or in the platform's optional package.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The platforms that have a package with native kernels. */
export const packaged: readonly string[] = [
  "linux-x64-gnu",
  "linux-x64-musl",
  "linux-arm64-gnu",
  "linux-arm64-musl",
  "win32-x64",
  "darwin-arm64",
  "darwin-x64",
];

/** webpack warns about calls of `createRequire` that it cannot follow, unless they have another name. */
export const requireFrom = createRequire;

/** The path of an addon, or why there is none, as a clause that can follow "but". */
export type Addon = { readonly path: string } | { readonly reason: string };

/** This platform's name, such as `linux-x64-gnu` or `darwin-arm64`. */
export function platformKey(): string {
  const { platform, arch } = process;
  return platform === "linux" ? `${platform}-${arch}-${usesGlibc() ? "gnu" : "musl"}` : `${platform}-${arch}`;
}

/** Asks the program's dynamic loader, and if that cannot be read, Node's report, which takes some milliseconds. */
function usesGlibc(): boolean {
  const loader = /ld-(linux|musl)/.exec(head(process.execPath));
  return loader ? loader[1] === "linux" : reportedGlibc();
}

/** The first bytes of a file. In a program they name its loader. */
function head(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(4096);
      return bytes.toString("latin1", 0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

function reportedGlibc(): boolean {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  const { excludeNetwork } = report;
  // Otherwise it looks up the names of all network interfaces, which may take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
  report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime !== undefined;
}

/** Finds the addon for a platform, by default this one. */
export function findAddon(key = platformKey(), from = places()): Addon {
  for (const place of from) {
    // No path is written out for a bundler to follow.
    for (const folder of [".", "../dist"]) {
      const built = join(fileURLToPath(new URL(folder, place)), `mulde-${key}.node`);
      if (existsSync(built)) return { path: built };
    }
    const path = resolved(`@mulde/kernels-${key}`, place);
    if (path !== undefined) return { path };
  }
  return { reason: whyNone(key, from) };
}

/** Modules from which to look: this one, and the program's first, since a bundle may lie elsewhere or not know where it is. */
function places(): string[] {
  const main = pathToFileURL(process.argv[1] ?? join(process.cwd(), "main")).href;
  const own = (import.meta as { readonly url?: string }).url;
  return own?.startsWith("file:") ? [own, main] : [main];
}

function resolved(name: string, place: string): string | undefined {
  try {
    return requireFrom(place).resolve(name);
  } catch {
    return undefined;
  }
}

function whyNone(key: string, from: readonly string[]): string {
  if (!packaged.includes(key)) return `no native kernels are made for ${key}`;
  const name = `@mulde/kernels-${key}`;
  // In a checkout the package is there, without its binary.
  const checkout = from.some((place) => resolved(`${name}/package.json`, place) !== undefined);
  if (checkout) return `no native kernels are built for ${key} in this checkout (CONTRIBUTING.md tells how)`;
  return `no native kernels are installed for ${key} (install ${name}, which --omit=optional leaves out)`;
}
