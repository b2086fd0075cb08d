import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { everyPackage as listed, packages } from "../scripts/_packages.js";

/** What these tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly keywords?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly type?: string;
  readonly packageManager?: string;
  readonly engines?: { readonly node?: string };
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** relative to the root, such as "packages/eval" */
  readonly folder: string;
  readonly manifest: Manifest;
}

export const root = fileURLToPath(new URL("..", import.meta.url));
export const workspace: readonly WorkspacePackage[] = packages(root);
/** Those of a workspace in some folder, platforms and examples included. */
export const everyPackage = (folder: string): readonly WorkspacePackage[] => listed(folder);
/** The projects of examples/. */
export const examples: readonly WorkspacePackage[] = readdirSync(join(root, "examples"))
  .filter((name) => existsSync(join(root, "examples", name, "package.json")))
  .map((name) => ({
    folder: `examples/${name}`,
    manifest: JSON.parse(read(`examples/${name}/package.json`)) as Manifest,
  }));
export const rootManifest = JSON.parse(read("package.json")) as Manifest;

/** A file's text; the path is relative to the root. */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The files below a folder whose names match, by default the TypeScript files; all paths relative to the root. */
export function sources(folder: string, pattern = /\.ts$/): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}
