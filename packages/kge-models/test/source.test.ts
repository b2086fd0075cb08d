import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type * as Everything from "../src/index.js";
import {
  createModel,
  type KgeModel,
  loadModel,
  type ModelFiles,
  MuldeError,
  openModel,
  saveModel,
} from "../src/index.js";

const names = { entities: ["a", "b", "c"], relations: ["r"] };
const fileNames = ["config.json", "entities.tsv", "model.safetensors", "relations.tsv"] as const;

let directory: string;
let model: KgeModel;
let files: Record<keyof ModelFiles, Uint8Array<ArrayBuffer>>;
let server: Server;
let base: string;
/** the paths asked for, and how the server answers where it does not give the file */
let asked: string[] = [];
let answer: RequestListener | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde source "));
  model = await createModel({ model: "RotH", dim: 4, entities: 3, relations: 1, seed: 1 });
  await saveModel(model, directory, names);
  const bytes = await Promise.all(fileNames.map((name) => readFile(join(directory, name))));
  files = Object.fromEntries(fileNames.map((name, i) => [name, new Uint8Array(bytes[i]!)])) as typeof files;
  server = createServer((request, response) => {
    asked.push(request.url!);
    if (answer) {
      answer(request, response);
      return;
    }
    const { pathname } = new URL(request.url!, base);
    const file = /^\/models\/one\/([\w.]+)$/.exec(pathname)?.[1] ?? "";
    response.statusCode = file in files ? 200 : 404;
    response.end(files[file as keyof ModelFiles]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});
afterEach(() => {
  asked = [];
  answer = undefined;
  vi.unstubAllGlobals();
  vi.resetModules();
});

function expectSame(actual: KgeModel): void {
  for (const [name, { data }] of model.tables) expect(actual.table(name).data, name).toEqual(data);
}

async function refused(work: Promise<unknown>): Promise<MuldeError> {
  const error: unknown = await work.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MuldeError);
  return error as MuldeError;
}

describe("a model is the same", () => {
  it.each<[string, () => Parameters<typeof loadModel>[0]]>([
    ["the path of its directory", () => directory],
    ["a file: URL", () => pathToFileURL(directory)],
    ["a file: URL as text", () => `${pathToFileURL(directory).href}/`],
    ["a URL", () => new URL("/models/one", base)],
    ["a URL as text", () => `${base}/models/one/`],
    ["its files, as Uint8Arrays", () => files],
    ["its files, as ArrayBuffers", () => mapped((bytes) => bytes.slice().buffer)],
    ["its files, as parts of another array", () => mapped((bytes) => Uint8Array.of(7, ...bytes, 7).subarray(1, -1))],
  ])("from %s", async (_, source) => {
    const saved = await loadModel(source());
    expectSame(saved.model);
    expect(saved).toMatchObject(names);
    const named = await openModel(source());
    expect(named.predict({ head: "a", relation: "r" })).toHaveLength(3);
  });

  it("whose URL has a query, which every file's gets", async () => {
    expectSame((await loadModel(`${base}/models/one?version=2`)).model);
    expect(asked).toContain("/models/one/model.safetensors?version=2");
  });
});

describe("what is no model's place is one error", () => {
  it.each<[unknown, RegExp]>([
    [undefined, /^source: must be the path of a directory/],
    [7, /^source: must be the path/],
    ["a\0b", /^source: must be the path/],
    [{ "model.safetensors": new Uint8Array() }, /^source: must be the path .* or the model's files by their names\./],
    ["http://", /^source: must be the URL of a saved model's directory, but is "http:\/\/"\./],
    ["file:///a%2Fb", /^source: must be the URL of a saved model's directory, but is "file:/],
    [new URL("ftp://127.0.0.1/model"), /^source: must begin with http:, https: or file:, but is "ftp:/],
  ])("number %#", async (source, message) => {
    const error = await refused(loadModel(source as string));
    expect(error).toMatchObject({ code: "MODELS_SOURCE" });
    expect(error.message).toMatch(message);
  });

  it("a file that is missing, or no bytes", async () => {
    const missing = await refused(loadModel({ ...files, "entities.tsv": undefined as unknown as Uint8Array }));
    expect(missing).toMatchObject({ code: "MODELS_NOT_FOUND", path: ["entities.tsv"] });
    expect(missing.message).toBe("entities.tsv: is not among the files given; give it too.");
    const text = await refused(loadModel({ ...files, "relations.tsv": "0\tr\n" as unknown as Uint8Array }));
    expect(text.message).toBe("relations.tsv: must be the bytes of the file, as a Uint8Array or an ArrayBuffer.");
  });

  it("a file that was changed, in memory and behind a URL", async () => {
    const changed = files["model.safetensors"].slice();
    changed[changed.length - 1]! ^= 1;
    const held = await refused(loadModel({ ...files, "model.safetensors": changed }));
    expect(held).toMatchObject({ code: "MODELS_CHECKSUM", file: "model.safetensors" });
    answer = (request, response) => {
      const file = request.url!.replace("/models/one/", "");
      response.end(file === "model.safetensors" ? changed : files[file as keyof ModelFiles]);
    };
    const fetched = await refused(loadModel(`${base}/models/one`));
    expect(fetched).toMatchObject({ code: "MODELS_CHECKSUM", file: `${base}/models/one/model.safetensors` });
    expect(fetched.message).toMatch(/SHA-256 differs/);
  });
});

describe("what a server answers is one error with the URL", () => {
  it.each<[string, RequestListener, string, number | undefined, RegExp]>([
    ["404", status(404), "MODELS_NOT_FOUND", 404, /the server answers 404 Not Found; give the URL of a saved model's/],
    ["403", status(403), "MODELS_READ", 403, /answers 403 Forbidden; fetch the files with the credentials .* bytes\./],
    ["500", status(500), "MODELS_READ", 500, /answers 500 Internal Server Error; check the address, or try again/],
    [
      "a page in place of every file",
      (_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"),
      "MODELS_NOT_FOUND",
      undefined,
      /answers with an HTML page, not with the file; give the URL/,
    ],
    [
      "less than it promised",
      (_, response) => {
        response.setHeader("content-length", 100).write("{");
        setTimeout(() => response.destroy(), 20);
      },
      "MODELS_READ",
      undefined,
      /broke off while it was fetched \(.+\); try again\./,
    ],
  ])("%s", async (_, how, code, value, message) => {
    answer = how;
    const error = await refused(openModel(`${base}/models/one`));
    expect(error).toMatchObject({ code, value, file: `${base}/models/one/config.json` });
    expect(error.message).toMatch(message);
  });

  it("nothing, since there is none", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = await refused(loadModel(`http://127.0.0.1:${port}/model`));
    expect(error).toMatchObject({ code: "MODELS_READ", file: `http://127.0.0.1:${port}/model/config.json` });
    expect(error.message).toMatch(
      /cannot be fetched \(.*ECONNREFUSED.*\); check the address, and that the server answers\./,
    );
  });
});

// Without Node's own modules, as in a page; what the tests themselves need of `process` stays.
describe("in a page", () => {
  async function page(globals: Record<string, unknown> = {}): Promise<typeof Everything> {
    vi.stubGlobal("process", Object.assign(Object.create(process) as object, { getBuiltinModule: undefined }));
    vi.stubGlobal("location", new URL("/models/", base));
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    return await import("../src/browser.js");
  }

  it("a model opens from a URL, a relative one and its files", async () => {
    const { openModel: open } = await page();
    for (const source of [`${base}/models/one`, "one", "/models/one/", files]) expectSame((await open(source)).model);
  });

  it("digests are checked by WebCrypto, and where there is none, sizes", async () => {
    const changed = { ...files, "entities.tsv": new TextEncoder().encode("0\ta\n1\tb\n2\tX\n") };
    const secure = await page();
    expect(await refused(secure.loadModel(changed))).toMatchObject({ code: "MODELS_CHECKSUM" });
    vi.resetModules();
    const insecure = await page({ crypto: {} });
    expect((await insecure.loadModel(changed)).entities).toEqual(["a", "b", "X"]);
    const longer = { ...files, "entities.tsv": new TextEncoder().encode("0\ta\n1\tb\n2\tXY\n") };
    expect(await refused(insecure.loadModel(longer))).toMatchObject({ code: "MODELS_CHECKSUM" });
  });

  it("what needs a disk says so, and the rest is there", async () => {
    const browser = await page();
    const node = await import("../src/index.js");
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
    const opened = await browser.openModel(files);
    for (const work of [
      opened.save("one"),
      browser.saveModel(model, "one", names),
      browser.endSave("one"),
      browser.openModel(pathToFileURL(directory)),
      browser.openSafetensors("one"),
      browser.writeSafetensors("one", {}),
      browser.writeWhole("one", ""),
    ]) {
      expect(await refused(work)).toMatchObject({ code: "MODELS_NO_DISK" });
    }
    expect(() => browser.makeDirectories("one")).toThrow(/^Files need Node: in a page, open a model by its/);
    vi.stubGlobal("location", undefined);
    expect(await refused(browser.openModel("one"))).toMatchObject({ code: "MODELS_NO_DISK" });
  });

  it("a page that may not read another host's files hears of CORS", async () => {
    const { loadModel: load } = await page({ fetch: () => Promise.reject(new TypeError("Failed to fetch")) });
    const error = await refused(load("https://elsewhere.invalid/model"));
    expect(error.message).toMatch(
      /cannot be fetched \(Failed to fetch\); .* answers and lets this page read it \(CORS\)\.$/,
    );
  });
});

function mapped(change: (bytes: Uint8Array) => Uint8Array | ArrayBuffer): ModelFiles {
  return Object.fromEntries(fileNames.map((name) => [name, change(files[name])])) as unknown as ModelFiles;
}

function status(code: number): RequestListener {
  return (_, response) => {
    response.writeHead(code).end();
  };
}
