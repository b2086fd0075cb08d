import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { list } from "tar";
import { type Manifest, root, rootManifest, workspace } from "./_workspace.js";

/** A package as it would be published. */
export interface Packed {
  readonly tarball: string;
  /** of the tarball, in bytes */
  readonly size: number;
  /** Its package.json, with versions in place of "workspace:" and "catalog:". */
  readonly manifest: Manifest;
  /** Each file's text by its path, such as "dist/index.js". */
  readonly files: ReadonlyMap<string, string>;
}

/** Runs a package manager in a folder of the repository: npm, or the pnpm that package.json pins. */
export async function packageManager(name: "npm" | "pnpm", args: readonly string[], folder = "."): Promise<string> {
  const [command, first] = name === "npm" ? ["npm", []] : ["npx", ["--yes", rootManifest.packageManager!]];
  const options = { cwd: join(root, folder), shell: process.platform === "win32" };
  const { stdout } = await promisify(execFile)(command, [...first, ...args], options);
  return stdout;
}

/** Packs all packages into an empty folder, by name; but those of platforms, whose binaries are built elsewhere. */
export async function packed(into: string): Promise<Map<string, Packed>> {
  const filters = workspace.map(({ manifest }) => `--filter=${manifest.name}`);
  await packageManager("pnpm", ["--recursive", ...filters, "pack", "--pack-destination", into]);
  const all = readdirSync(into).map((file) => opened(join(into, file)));
  return new Map(all.map((one) => [one.manifest.name, one]));
}

function opened(tarball: string): Packed {
  const files = new Map<string, string>();
  list({
    file: tarball,
    sync: true,
    onReadEntry: (entry) => {
      const chunks: Buffer[] = [];
      entry.on("data", (chunk) => chunks.push(chunk));
      entry.on("end", () => files.set(entry.path.replace(/^package\//, ""), Buffer.concat(chunks).toString("utf8")));
    },
  });
  const manifest = JSON.parse(files.get("package.json")!) as Manifest;
  return { tarball, size: statSync(tarball).size, manifest, files };
}
