import { described, MuldeError } from "@mulde/errors";
import { node, onNode } from "../_node.js";
import type { Folder } from "./_folder.js";
import { type Digest, hasDigest, heldFile, type OpenFile } from "./_reading.js";

/** The four files of a model, as bytes. */
export type ModelFiles = Readonly<
  Record<"config.json" | "entities.tsv" | "model.safetensors" | "relations.tsv", Uint8Array | ArrayBuffer>
>;

/**
 * Where a saved model is: the path of its directory, an `http(s):` or `file:` URL of it (text or a `URL`; in a page also a relative one), or
 * its files themselves.
 */
export type ModelSource = string | { readonly href: string } | ModelFiles;

const advice = "give the URL of a saved model's directory.";

/** @throws MuldeError MODELS_SOURCE for what is no source, MODELS_NO_DISK for a path where there are no files */
export async function folderOf(source: ModelSource): Promise<Folder> {
  const given: unknown = source;
  if (typeof given === "object" && given !== null) {
    if ("href" in given && typeof given.href === "string") return atUrl(given.href);
    if ("config.json" in given) return inMemory(source as ModelFiles);
  }
  if (typeof given !== "string" || given.includes("\0")) {
    const rule = "must be the path of a directory without a NUL, a URL, or the model's files by their names.";
    throw new MuldeError("MODELS_SOURCE", rule, { path: ["source"], value: given });
  }
  if (/^(https?|file):/i.test(given)) return atUrl(given);
  if (onNode || typeof location === "undefined") return onDisk(given);
  return atUrl(given, typeof document === "undefined" ? location.href : document.baseURI);
}

async function onDisk(directory: string): Promise<Folder> {
  return (await import("./_disk-folder.js")).diskFolder(directory);
}

async function atUrl(text: string, base?: string): Promise<Folder> {
  const refuse = (rule: string, cause?: unknown): MuldeError =>
    new MuldeError("MODELS_SOURCE", `${rule}, but is ${described(text)}.`, { path: ["source"], value: text, cause });
  let url: URL;
  let path: string | undefined;
  try {
    url = new URL(text, base);
    if (url.protocol === "file:") path = node("url").fileURLToPath(url);
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause;
    throw refuse("must be the URL of a saved model's directory", cause);
  }
  if (path !== undefined) return onDisk(path);
  if (/^https?:$/.test(url.protocol)) return fetched(url);
  throw refuse("must begin with http:, https: or file:");
}

function inMemory(files: ModelFiles): Folder {
  return {
    name: "in memory",
    async open(name, digest) {
      const content: unknown = Object.hasOwn(files, name) ? files[name as keyof ModelFiles] : undefined;
      if (!(content instanceof Uint8Array || content instanceof ArrayBuffer)) {
        const reason =
          content === undefined
            ? "is not among the files given; give it too."
            : "must be the bytes of the file, as a Uint8Array or an ArrayBuffer.";
        throw new MuldeError("MODELS_NOT_FOUND", reason, { path: [name] });
      }
      return checked(heldFile(name, content), digest);
    },
  };
}

function fetched(base: URL): Folder {
  return {
    name: base.href,
    async open(name, digest) {
      const url = new URL(base);
      url.pathname = `${base.pathname.replace(/\/$/, "")}/${name}`;
      return checked(heldFile(url.href, await download(url)), digest);
    },
  };
}

async function checked(
  file: OpenFile,
  digest: Digest | undefined,
): Promise<{ readonly file: OpenFile; readonly intact: boolean }> {
  return { file, intact: digest === undefined || (await hasDigest(file, digest)) };
}

async function download(url: URL): Promise<ArrayBuffer> {
  const refuse = (code: string, reason: string, fields: { value?: number; cause?: unknown } = {}): MuldeError =>
    new MuldeError(code, reason, { file: url.href, ...fields });
  let response;
  try {
    // A browser asks for a newer file: one kept from before would not go with the others. Edge runtimes may refuse the option.
    response = await fetch(url, typeof location === "undefined" ? {} : { cache: "no-cache" });
  } catch (cause) {
    throw refuse("MODELS_READ", unreachable(cause), { cause });
  }
  const { ok, status, statusText, headers } = response;
  const answer = `the server answers ${status}${statusText && ` ${statusText}`}`;
  if (status === 404 || status === 410) throw refuse("MODELS_NOT_FOUND", `${answer}; ${advice}`, { value: status });
  if (status === 401 || status === 403) {
    const fix = "fetch the files with the credentials that it wants, and give their bytes.";
    throw refuse("MODELS_READ", `${answer}; ${fix}`, { value: status });
  }
  if (!ok) throw refuse("MODELS_READ", `${answer}; check the address, or try again later.`, { value: status });
  if (headers.get("content-type")?.startsWith("text/html")) {
    throw refuse("MODELS_NOT_FOUND", `the server answers with an HTML page, not with the file; ${advice}`);
  }
  return response.arrayBuffer().catch((cause: unknown) => {
    throw refuse("MODELS_READ", `the file broke off while it was fetched (${told(cause)}); try again.`, { cause });
  });
}

function unreachable(cause: unknown): string {
  const page = onNode ? "" : " and lets this page read it (CORS)";
  return `the file cannot be fetched (${told(cause)}); check the address, and that the server answers${page}.`;
}

/** What a browser tells is one sentence; Node's reason is behind its "fetch failed". */
function told(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  const { message } = (cause instanceof Error && cause.message !== "" ? cause : error) as Error;
  return message;
}
