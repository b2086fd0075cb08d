import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { create } from "tar";
import { afterEach, describe, expect, it, vi } from "vitest";
import { download } from "../src/_download.js";
import type { DownloadProgress } from "../src/index.js";
import { datasetInfo, defaultCacheDir, fetchDataset, listDatasets, loadDataset } from "../src/index.js";
import { directoryOf, failureOf } from "./_files.js";
import { sendFile, serve } from "./_server.js";
import { tarOf } from "./_tar.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));

describe("a download", () => {
  it("reports its progress up to the end", async () => {
    const server = await serve((request, response) => {
      sendFile(request, response, content);
    });
    const part = join(directoryOf(), "file.part");
    const seen: DownloadProgress[] = [];
    await download(server.url, part, { resumeBlindly: false, onProgress: (progress) => seen.push(progress) });
    expect(readFileSync(part).equals(content)).toBe(true);
    expect(seen.at(-1)).toEqual({ url: server.url, received: content.length, total: content.length });
    const counts = seen.map(({ received }) => received);
    expect([...counts].sort((a, b) => a - b)).toEqual(counts);
  });

  it("resumes by itself after a broken connection if the ETag is the same", async () => {
    const server = await serve((request, response, nth) => {
      if (nth > 1) {
        sendFile(request, response, content, '"v1"');
        return;
      }
      response.writeHead(200, { "content-length": content.length, etag: '"v1"' });
      response.write(content.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    const directory = directoryOf();
    await download(server.url, join(directory, "file.part"), { resumeBlindly: false });
    expect(readFileSync(join(directory, "file.part")).equals(content)).toBe(true);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]!.headers).toMatchObject({ range: "bytes=100000-", "if-range": '"v1"' });
    expect(readdirSync(directory)).toEqual(["file.part"]);
  });

  it("resumes after an earlier call was stopped", async () => {
    const stop = new AbortController();
    const server = await serve((request, response, nth) => {
      if (nth > 1) {
        sendFile(request, response, content, '"v1"');
        return;
      }
      response.writeHead(200, { "content-length": content.length, etag: '"v1"' });
      response.write(content.subarray(0, 70_000));
    });
    const part = join(directoryOf(), "file.part");
    const onProgress = ({ received }: DownloadProgress): void => {
      if (received === 70_000) stop.abort(new Error("stopped by the user"));
    };
    const error = await failureOf(
      download(server.url, part, { resumeBlindly: false, onProgress, signal: stop.signal }),
    );
    expect(error.message).toBe("stopped by the user");
    await download(server.url, part, { resumeBlindly: false });
    expect(server.requests[1]!.headers.range).toBe("bytes=70000-");
    expect(readFileSync(part).equals(content)).toBe(true);
  });

  it("starts again if the file changed, or if nothing identifies the part that is there", async () => {
    const server = await serve((request, response) => {
      sendFile(request, response, content, '"v2"');
    });
    const changed = directoryOf({ "file.part": "old half", "file.part.etag": '"v1"' });
    await download(server.url, join(changed, "file.part"), { resumeBlindly: false });
    expect(readFileSync(join(changed, "file.part")).equals(content)).toBe(true);
    const unknown = directoryOf({ "file.part": "old half" });
    await download(server.url, join(unknown, "file.part"), { resumeBlindly: false });
    expect(server.requests[1]!.headers.range).toBeUndefined();
    expect(readFileSync(join(unknown, "file.part")).equals(content)).toBe(true);
  });

  it("starts again if there are more bytes than the server has", async () => {
    const server = await serve((request, response) => {
      sendFile(request, response, content);
    });
    const directory = directoryOf({ "file.part": Buffer.concat([content, content]) });
    await download(server.url, join(directory, "file.part"), { resumeBlindly: true });
    expect(readFileSync(join(directory, "file.part")).equals(content)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  it("tries again after a temporary failure and gives up after five attempts", async () => {
    const once = await serve((request, response, nth) => {
      if (nth === 1) response.writeHead(503).end();
      else sendFile(request, response, content);
    });
    const part = join(directoryOf(), "file.part");
    await download(once.url, part, { resumeBlindly: false });
    expect(once.requests).toHaveLength(2);
    const never = await serve((_, response) => {
      response.writeHead(500).end();
    });
    const error = await failureOf(download(never.url, part, { resumeBlindly: false }));
    expect(error).toMatchObject({ code: "DATA_DOWNLOAD" });
    expect(error.message).toMatch(/failed in 5 attempts \(the server answered 500\)/);
    expect(never.requests).toHaveLength(5);
  });

  it("gives up at once if the server lacks the file", async () => {
    const server = await serve((_, response) => {
      response.writeHead(404).end("no");
    });
    const directory = directoryOf();
    const error = await failureOf(download(server.url, join(directory, "file.part"), { resumeBlindly: false }));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_DOWNLOAD", file: server.url, value: 404 });
    expect(error.message).toMatch(/answered 404 .*MULDE_DATASETS_MIRROR/);
    expect(server.requests).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("fetching", () => {
  it("keeps the files of a URL mirror in the cache and asks once", async () => {
    const linesOf = (url: string): string => `a\tr\t${url}\n`;
    const server = await serve((request, response) => {
      sendFile(request, response, Buffer.from(linesOf(request.url!)));
    });
    const cacheDir = directoryOf();
    const fetched = await fetchDataset("codex-S", { mirror: `${server.url}/data/`, cacheDir });
    expect(server.requests.map(({ path }) => path)).toEqual([
      "/data/codex-s/train.txt",
      "/data/codex-s/valid.txt",
      "/data/codex-s/test.txt",
    ]);
    expect(fetched.info.name).toBe("CoDEx-S");
    const contents = server.requests.map(({ path }) => linesOf(path));
    expect(fetched.files.map((file) => readFileSync(file, "utf8"))).toEqual(contents);
    expect(fetched.bytes).toBe(contents.join("").length);
    expect(readdirSync(fetched.directory).sort()).toEqual(["test.txt", "train.txt", "valid.txt"]);
    await fetchDataset("CODEX-S", { cacheDir, offline: true });
    expect(server.requests).toHaveLength(3);
  });

  it("takes the mirror and the cache from the environment", async () => {
    const split = { content: "a\tr\tb\n" };
    const archive = tarOf(...["train", "valid", "test"].map((path) => ({ path, ...split })));
    const mirror = directoryOf({ "umls.tar.gz": gzipSync(archive) });
    const cache = directoryOf();
    vi.stubEnv("MULDE_DATASETS_MIRROR", mirror);
    vi.stubEnv("XDG_CACHE_HOME", cache);
    const { files } = await fetchDataset("umls", { offline: true });
    expect(files).toEqual([join(cache, "mulde/datasets/umls/umls.tar.gz")]);
    vi.stubEnv("XDG_CACHE_HOME", "relative");
    expect(defaultCacheDir()).toBe(join(homedir(), ".cache/mulde/datasets"));
  });

  // Windows asks USERPROFILE, which is as good as HOME.
  it.each(["", "relative"])(
    "takes no home of %j for the cache, which would be where the process happens to run",
    (home) => {
      vi.stubEnv("XDG_CACHE_HOME", undefined);
      vi.stubEnv("HOME", home);
      vi.stubEnv("USERPROFILE", home);
      expect(defaultCacheDir).toThrow(expect.objectContaining({ code: "DATA_CACHE" }));
    },
  );

  it("removes a file with a wrong checksum and says so", async () => {
    const server = await serve((request, response) => {
      sendFile(request, response, content);
    });
    const cacheDir = directoryOf();
    const error = await failureOf(fetchDataset("WN18RR", { mirror: server.url, cacheDir }));
    expect(error).toMatchObject({ code: "DATA_CHECKSUM" });
    expect(error.message).toContain(createHash("sha256").update(content).digest("hex"));
    expect(readdirSync(join(cacheDir, "wn18rr"))).toEqual([]);
    const directory = await failureOf(
      fetchDataset("WN18RR", { mirror: directoryOf({ "WN18RR.tar.gz": "x" }), cacheDir }),
    );
    expect(directory).toMatchObject({ code: "DATA_CHECKSUM" });
  });

  it("does not trust a damaged copy in the cache", async () => {
    const cacheDir = directoryOf();
    mkdirSync(join(cacheDir, "wn18rr"));
    writeFileSync(join(cacheDir, "wn18rr/WN18RR.tar.gz"), "damaged");
    expect(await failureOf(fetchDataset("wn18rr", { cacheDir, mirror: directoryOf() }))).toMatchObject({
      code: "DATA_NOT_IN_MIRROR",
    });
    expect(existsSync(join(cacheDir, "wn18rr/WN18RR.tar.gz"))).toBe(false);
  });

  it("stays offline if asked to", async () => {
    vi.stubEnv("MULDE_DATASETS_MIRROR", "");
    const error = await failureOf(fetchDataset("YAGO3-10", { cacheDir: directoryOf(), offline: true }));
    expect(error).toMatchObject({ code: "DATA_OFFLINE" });
    expect(error.message).toMatch(/YAGO3-10\.tar\.gz is not in the cache/);
  });

  it("does nothing for an embedded data set", async () => {
    expect(await fetchDataset("wordnet31", { cacheDir: directoryOf() })).toMatchObject({ files: [], bytes: 0 });
  });
});

describe("loading what was fetched", () => {
  /** A graph of exactly the size of Nations, or less by `missing` test triples. */
  async function nations(missing: number): Promise<string> {
    const lines = Array.from({ length: 1992 - missing }, (_, i) => `n${i % 14}\tr${i % 55}\tn${(i * 5) % 14}\n`);
    const files = {
      "train.txt": lines.slice(0, 1592).join(""),
      "valid.txt": lines.slice(1592, 1791).join(""),
      "test.txt": lines.slice(1791).join(""),
    };
    const directory = directoryOf(files);
    await create({ cwd: directory, file: join(directory, "nations.tar.gz"), gzip: true }, Object.keys(files));
    return directory;
  }

  it("gives the data set with its name, licence and source", async () => {
    const options = { mirror: await nations(0), cacheDir: directoryOf(), columns: "htr" } as const;
    const dataset = await loadDataset("NATIONS", options);
    const { name, licence, source } = datasetInfo("nations");
    expect(dataset).toMatchObject({ name, licence, source });
    expect(dataset.test.length).toBe(201);
  });

  it("checks the counts", async () => {
    const error = await failureOf(loadDataset("nations", { mirror: await nations(1), cacheDir: directoryOf() }));
    expect(error).toMatchObject({ code: "DATA_COUNT_MISMATCH" });
    expect(error.message).toMatch(/Nations should have 201 \(test\), but .* gives 200/);
  });
});

describe("the registry", () => {
  it("lists every data set with licence, source, counts and files of distinct names", () => {
    const all = listDatasets();
    expect(all.map(({ name }) => name)).toEqual([
      ...["wordnet31", "wordnet31-small", "WN18RR", "FB15k-237", "CoDEx-S", "CoDEx-M", "UMLS", "Kinship", "Nations"],
      "YAGO3-10",
    ]);
    for (const { licence, source, counts } of all) {
      expect(licence).not.toBe("");
      expect(source).not.toBe("");
      expect(Object.values(counts).every((count) => count > 0)).toBe(true);
    }
    const files = all.flatMap((info) => info.files);
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
    expect(files.every(({ url }) => url.startsWith("https://raw.githubusercontent.com/"))).toBe(true);
    expect(datasetInfo("fb15K-237").files[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("does not know other names", () => {
    expect(() => datasetInfo("FB15k")).toThrow(/no data set "FB15k"/);
  });
});
