import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Disks that refuse: what they need is not there on every machine, and is then said.

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function able(what: string, can: boolean): boolean {
  if (!can) console.warn(`SKIPPED: ${what}.`);
  return can;
}

const root = process.getuid?.() === 0;

/** Mounts a small file system in memory; returns its directory and what unmounts it. */
export function mountTmpfs(bytes: number): { readonly directory: string; readonly unmount: () => void } {
  const directory = mkdtempSync(join(tmpdir(), "mulde-tmpfs-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory]);
  return {
    directory,
    unmount: () => {
      execFileSync("umount", [directory]);
      rmSync(directory, { recursive: true });
    },
  };
}

function canMount(): boolean {
  if (!root) return false;
  try {
    mountTmpfs(1 << 20).unmount();
    return true;
  } catch {
    return false;
  }
}

export const mountable = able("a full disk, since only root may mount a tmpfs", canMount());
export const limitable = able("a file-size limit, since there is no prlimit", works("prlimit", "--version"));
export const unprivileged = able(
  "a read-only directory, since root may write there and there is no setpriv",
  !root || works("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "--version"),
);

/**
 * Runs a module that imports the built package as `mulde` and its own argument as `argument`, and prints what it throws.
 *
 * @param under - What the process runs under.
 * @returns What it printed: an error as JSON, or nothing.
 */
export function run(module: string, argument: string, under: "limit" | "nobody"): Promise<string> {
  const built = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);
  // With its signal ignored, the limit is an error of the write.
  const program = `
    process.on("SIGXFSZ", () => undefined);
    import(${built}).then(async (mulde) => {
      const argument = ${JSON.stringify(argument)};
      ${module}
    }).catch((error) => console.log(JSON.stringify({ ...error, message: error.message })));`;
  const nobody = root ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const wrapper = under === "limit" ? ["prlimit", "--fsize=100000"] : nobody;
  const [command, ...args] = [...wrapper, process.execPath, "--eval", program];
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: fileURLToPath(new URL("..", import.meta.url)) }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr, { cause: error }));
      else resolve(stdout.trim());
    });
  });
}
