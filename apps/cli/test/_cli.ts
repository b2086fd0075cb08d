import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../src/program.js";

const bin = fileURLToPath(new URL("../bin/mulde.js", import.meta.url));

/** A new temporary directory. */
export function temporary(): string {
  return mkdtempSync(join(tmpdir(), "mulde-cli-"));
}

// Nothing of the user's own settings and caches may come in.
const home = temporary();
const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: home,
  XDG_CACHE_HOME: join(home, "cache"),
  MULDE_THREADS: "1",
};

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command line that runs the one behind it, such as `setpriv --reuid 1000`. */
  readonly through?: readonly string[];
  /** Called with all of stderr so far whenever something arrives; a signal that it returns is sent, once. */
  readonly kill?: (stderr: string) => NodeJS.Signals | undefined;
}

// What runs in this process sees the same settings as what runs in its own.
for (const name of Object.keys(process.env)) if (name.startsWith("MULDE_")) Reflect.deleteProperty(process.env, name);
Object.assign(process.env, env);
process.chdir(home);

/** Runs the command to its end: in this process, or with options (`{}` will do) the built one in a process of its own. */
export function mulde(args: readonly string[], options?: RunOptions): Promise<Finished> {
  return options ? spawned(args, options) : here(args);
}

async function here(args: readonly string[]): Promise<Finished> {
  const written = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  const originals = streams.map((name) => process[name].write.bind(process[name]));
  for (const name of streams) {
    process[name].write = (text: string | Uint8Array) => {
      written[name] += text.toString();
      return true;
    };
  }
  try {
    return { code: await runProgram(args), signal: null, ...written };
  } finally {
    streams.forEach((name, i) => (process[name].write = originals[i]!));
  }
}

function spawned(args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [command, ...words] = [...(options.through ?? []), process.execPath, bin, ...args];
    const child = spawn(command!, words, {
      cwd: options.cwd ?? home,
      env: { ...env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let killed = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      const signal = killed ? undefined : options.kill?.(stderr);
      if (signal === undefined) return;
      killed = true;
      child.kill(signal);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs the command with `--json`, expects success, and returns what all of stdout holds. */
export async function muldeJson<T>(args: readonly string[], options?: RunOptions): Promise<T> {
  const call = [...args, "--json"];
  const { code, stdout, stderr } = await mulde(call, options);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
