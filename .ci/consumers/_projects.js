// Projects of consumers: folders with what npm or pnpm installs from the tarballs.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execute } from "./_execute.js";
import { companions } from "./tools.js";

/** The tarballs of a folder by package: mulde-eval-0.0.0.tgz is @mulde/eval. */
function packagesOf(folder) {
  const files = readdirSync(folder).filter((file) => /^mulde-.+\.tgz$/.test(file));
  if (files.length === 0) throw new Error(`${folder} has no tarballs of Mulde.`);
  return Object.fromEntries(
    files.map((file) => [`@mulde/${/^mulde-(.+?)-\d+\.\d+\.\d+/.exec(file)[1]}`, join(folder, file)]),
  );
}

/** The packages that a consumer installs by name; those for one platform come along. */
const isForAPlatform = (name) => name.startsWith("@mulde/kernels-");

/** Makes projects, each once; cases share them, and leave them as they are. */
export class Projects {
  #folder;
  #tools;
  #packed;
  #made = new Map();

  constructor(folder, tools, tarballs) {
    this.#folder = folder;
    this.#tools = tools;
    const copies = join(folder, "tarballs");
    cpSync(tarballs, copies, { recursive: true });
    this.#packed = packagesOf(copies);
  }

  /** All packages that are installed by name. */
  get names() {
    return Object.keys(this.#packed).filter((name) => !isForAPlatform(name));
  }

  /** Whether there is a native binary for this machine. */
  get native() {
    const { glibcVersionRuntime } = process.report.getReport().header;
    const libc = process.platform === "linux" ? `-${glibcVersionRuntime ? "gnu" : "musl"}` : "";
    return `@mulde/kernels-${process.platform}-${process.arch}${libc}` in this.#packed;
  }

  /** A new folder beside the projects, with nothing installed. */
  empty(name) {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    return folder;
  }

  /** The project that most cases share: every package, installed by npm on Node 20. */
  everything() {
    return this.installed({ installer: "npm", node: "node20" });
  }

  /** A project with some packages (all) and everything they need. */
  installed({ installer, node, packages = this.names }) {
    const whole = packages.length === this.names.length;
    const what = whole ? "all" : packages.map((name) => basename(name)).join(" ");
    const name = `${what}, ${installer}, ${node}`;
    if (!this.#made.has(name)) {
      const folder = this.empty(name);
      this.#made.set(
        name,
        this.install(folder, installer, node, {
          dependencies: Object.fromEntries(packages.map((each) => [each, "*"])),
          devDependencies: whole ? companions : {},
        }),
      );
    }
    return this.#made.get(name);
  }

  /** Installs what a manifest asks for into its folder; packages of ours come from the tarballs, also where others need them. */
  async install(folder, installer, node, manifest) {
    const ours = (name) => (this.#packed[name] ? `file:${this.#packed[name]}` : undefined);
    const dependencies = Object.entries(manifest.dependencies).map(([name, version]) => [name, ours(name) ?? version]);
    // No registry has these versions. npm overrides no direct dependency; pnpm would look it up for the others.
    const overridden = (name) => installer === "pnpm" || !(name in manifest.dependencies);
    const names = Object.keys(this.#packed).filter(overridden);
    const overrides = Object.fromEntries(names.map((name) => [name, ours(name)]));
    const ends = installer === "npm" ? { overrides } : { pnpm: { overrides } };
    const whole = {
      private: true,
      type: "module",
      ...manifest,
      dependencies: Object.fromEntries(dependencies),
      ...ends,
    };
    writeFileSync(join(folder, "package.json"), JSON.stringify(whole, undefined, 2));
    const options = { npm: ["--no-audit", "--no-fund"], pnpm: ["--config.confirm-modules-purge=false"] }[installer];
    const program = await this.#tools.bin(installer);
    await execute(await this.#tools.bin(node), [program, "install", ...options], { cwd: folder });
    return folder;
  }
}
