import type { Host } from "./_host.js";

// The build puts package.json's in.
declare const VERSION: string;

interface Copy {
  readonly version: string;
  /** Where the copy is. Nobody knows in a CommonJS bundle. */
  readonly url: string | undefined;
}

const own: Copy = /* @__PURE__ */ thisCopy();

function thisCopy(): Copy {
  // A module that is evaluated again, as a development server does, has the same URL but for its query.
  return { version: VERSION, url: (import.meta.url as string | undefined)?.replace(/[?#].*/, "") };
}

// Shared by every copy of this package in a process or page.
const key = /* @__PURE__ */ Symbol.for("@mulde/kernels");

/** Warns once if another copy of this package is in use beside this one. */
export function noteCopy(host: Host): void {
  const copies = ((globalThis as { [key]?: Copy[] })[key] ??= []);
  if (copies.some((copy) => copy === own || (own.url !== undefined && copy.url === own.url))) return;
  copies.push(own);
  if (copies.length !== 2) return;
  const named = copies.map(({ version, url }) => (url === undefined ? version : `${version} (${url})`));
  host.warn(
    `Two copies of @mulde/kernels are in use: ${named.join(" and ")}. Each has its own threads and memory. Install one version (npm dedupe), or let the bundler take one.`,
  );
}
