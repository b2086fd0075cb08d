import { existsSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";

/** What of the process tells how it was started. */
export interface Call {
  /** `process.argv[1]` */
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The words that start this command from where it was started: `mulde`, `npx mulde`, `pnpm mulde` or `node path/to/mulde.js`. */
export function calledAs({ script, cwd, env }: Call = fromProcess()): string {
  const runner = (env.npm_config_user_agent ?? "").split("/")[0]!;
  const within = (folder: string): boolean => script.split(sep).includes(folder);
  // Fetched for this one call: there is no `mulde` to call afterwards.
  if (within("_npx")) return "npx @mulde/cli";
  if (within("dlx")) return "pnpm dlx @mulde/cli";
  const installed = foldersFrom(cwd).some((folder) => script.startsWith(join(folder, "node_modules") + sep));
  // `npm start` in a checkout starts the script itself, and only ever the quickstart.
  if (installed || (env.npm_lifecycle_event === "start" && existsSync(join(cwd, "node_modules", ".bin", "mulde")))) {
    return `${runners[runner] ?? "npx"} mulde`;
  }
  if (basename(script) === "mulde" || within("node_modules")) return "mulde";
  const path = relative(cwd, script);
  return `node ${path.includes(" ") ? JSON.stringify(path) : path}`;
}

const runners: Readonly<Record<string, string>> = { pnpm: "pnpm", yarn: "yarn", bun: "bunx" };

function fromProcess(): Call {
  return { script: process.argv[1] ?? "mulde", cwd: process.cwd(), env: process.env };
}

/** A folder and all above it. */
function foldersFrom(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersFrom(above)];
}
