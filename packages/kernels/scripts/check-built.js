// Runs before a platform package is packed, in its folder: without its addon it would be an empty promise.
import { existsSync, readFileSync } from "node:fs";

if (!existsSync("mulde.node")) {
  const { name } = JSON.parse(readFileSync("package.json", "utf8"));
  const key = name.replace("@mulde/kernels-", "");
  console.error(`${name} has no mulde.node: run "node packages/kernels/scripts/build-platforms.js ${key}" first.`);
  process.exitCode = 1;
}
