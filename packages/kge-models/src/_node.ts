import type * as crypto from "node:crypto";
import type * as fs from "node:fs";
import type * as promises from "node:fs/promises";
import type * as module from "node:module";
import type * as path from "node:path";
import type * as url from "node:url";
import type * as util from "node:util";
import type * as zlib from "node:zlib";
import { MuldeError } from "@mulde/errors";

/** Node's modules that this package uses. */
interface NodeModules {
  readonly crypto: typeof crypto;
  readonly fs: typeof fs;
  readonly "fs/promises": typeof promises;
  readonly module: typeof module;
  readonly path: typeof path;
  readonly url: typeof url;
  readonly util: typeof util;
  readonly zlib: typeof zlib;
}

/** Whether this is Node, or a runtime with its modules: Bun, Deno. */
export const onNode = typeof process !== "undefined" && typeof process.getBuiltinModule === "function";

/** @throws MuldeError MODELS_NO_DISK always */
export function noDisk(): never {
  throw new MuldeError(
    "MODELS_NO_DISK",
    "Files need Node: in a page, open a model by its http(s) URL or from its bytes, and save it in Node.",
  );
}

/**
 * One of Node's own modules. We ask for it when it is used, not by an `import`: so one build runs in Node, pages and edge runtimes, and no
 * bundler stops at a module that is not there.
 *
 * @throws MuldeError MODELS_NO_DISK where there are none
 */
export function node<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  if (!onNode) noDisk();
  return process.getBuiltinModule(`node:${name}`) as unknown as NodeModules[Name];
}
