import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { claimPart, releasePart } from "../src/_cache.js";
import type { DownloadOptions } from "../src/_download.js";
import { download } from "../src/_download.js";
import { fetchDataset, loadDataset } from "../src/index.js";
import { directoryOf, failureOf } from "./_files.js";
import { sendFile, serve } from "./_server.js";
import { tarOf } from "./_tar.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A graph of exactly the size of Nations, or less by `missing` test triples. */
function nations(missing = 0): Buffer {
  const lines = Array.from({ length: 1992 - missing }, (_, i) => `n${i % 14}\tr${i % 55}\tn${(i * 5) % 14}\n`);
  const part = (path: string, from: number, to?: number) => ({ path, content: lines.slice(from, to).join("") });
  return gzipSync(tarOf(part("train.txt", 0, 1592), part("valid.txt", 1592, 1791), part("test.txt", 1791)));
}

/** A server that answers every request in one way. */
async function answering(answer: (response: ServerResponse) => void): Promise<{ url: string; count: () => number }> {
  const { url, requests } = await serve((_, response) => {
    answer(response);
  });
  return { url, count: () => requests.length };
}

describe("an answer that is not the data set", () => {
  const page = "<!DOCTYPE html>ok\n";
  it.each<[string, string, Record<string, string>]>([
    ["a web page", page, { "content-type": "text/html; charset=utf-8" }],
    ["a web page that is called a file", page, { "content-type": "application/octet-stream" }],
    ["nothing at all", "", {}],
    ["gzip of something else", gzipSync("hello").toString("latin1"), {}],
    ["half an archive", nations().subarray(0, 1500).toString("latin1"), {}],
    ["an archive of something else", tarOf({ path: "README", content: "hello" }).toString("latin1"), {}],
  ])("such as %s is an error, and is not cached", async (_, body, headers) => {
    const { url } = await answering((response) => {
      response.writeHead(200, headers).end(Buffer.from(body, "latin1"));
    });
    const cacheDir = directoryOf();
    const error = await failureOf(fetchDataset("nations", { mirror: url, cacheDir }));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_DOWNLOAD", file: `${url}/nations.tar.gz` });
    expect(error.message).not.toContain(".part");
    expect(readdirSync(join(cacheDir, "nations"))).toEqual([]);
    // The same for text.
    const text = await failureOf(fetchDataset("codex-s", { mirror: url, cacheDir }));
    expect(text).toMatchObject({ name: "MuldeError", code: "DATA_DOWNLOAD", file: `${url}/codex-s/train.txt` });
    expect(readdirSync(join(cacheDir, "codex-s"))).toEqual([]);
  });

  it("is refused from a mirror directory too", async () => {
    const mirror = directoryOf({ "nations.tar.gz": "" });
    const error = await failureOf(fetchDataset("nations", { mirror, cacheDir: directoryOf() }));
    expect(error).toMatchObject({ code: "DATA_DOWNLOAD", file: join(mirror, "nations.tar.gz") });
  });

  it("is not trusted in the cache: fetching again helps", async () => {
    const cacheDir = directoryOf({ "nations/nations.tar.gz": page });
    const mirror = directoryOf({ "nations.tar.gz": nations() });
    await fetchDataset("nations", { mirror, cacheDir });
    expect((await loadDataset("nations", { cacheDir, offline: true })).test.length).toBe(201);
    expect(readFileSync(join(cacheDir, "nations/nations.tar.gz.rejected"), "utf8")).toBe(page);
  });

  it("is set aside if only its counts betray it: loading again helps", async () => {
    const cacheDir = directoryOf();
    const wrong = directoryOf({ "nations.tar.gz": nations(1) });
    const error = await failureOf(loadDataset("nations", { mirror: wrong, cacheDir }));
    expect(error).toMatchObject({ code: "DATA_COUNT_MISMATCH" });
    const aside = join(cacheDir, "nations/nations.tar.gz.rejected");
    expect(error.message).toContain(`set aside as ${aside}`);
    expect(readdirSync(join(cacheDir, "nations"))).toEqual(["nations.tar.gz.rejected"]);
    const right = directoryOf({ "nations.tar.gz": nations() });
    expect((await loadDataset("nations", { mirror: right, cacheDir })).test.length).toBe(201);
  });

  it("is recognised if it is shorter than it says", async () => {
    const { url, count } = await answering((response) => {
      response.writeHead(200, { "content-length": 5000 });
      response.write("a\tr\tb\n", () => setTimeout(() => response.destroy(), 20));
    });
    const directory = directoryOf();
    const error = await failureOf(download(url, join(directory, "x.part"), { resumeBlindly: false }));
    expect(error).toMatchObject({ code: "DATA_DOWNLOAD", file: url });
    // Five without a new byte, and one more if the first bytes came late.
    expect([5, 6]).toContain(count());
  });
});

describe("a server that wears down its clients", () => {
  const options: DownloadOptions = { resumeBlindly: false, patience: 500 };
  const part = (): string => join(directoryOf(), "x.part");

  it.each<[string, (response: ServerResponse) => void]>([
    ["accepts and says nothing", () => undefined],
    ["stops in the middle", (response) => response.writeHead(200, { "content-length": 1e6 }).write("x".repeat(1000))],
    [
      "sends drop by drop",
      (response) => {
        response.writeHead(200);
        const drop = setInterval(() => response.write("x"), 20);
        response.on("close", () => {
          clearInterval(drop);
        });
      },
    ],
    ["is always busy", (response) => response.writeHead(503).end()],
  ])(
    "because it %s is given up after the patience is over",
    async (_, answer) => {
      const { url } = await answering(answer);
      const error = await failureOf(download(url, part(), options));
      expect(error).toMatchObject({ name: "MuldeError", code: "DATA_DOWNLOAD", file: url });
      expect(error.message).toMatch(/silent or too slow \(less than 32 KiB arrived in 0\.5 s\).*MULDE_DATASETS_MIRROR/);
    },
    20_000,
  );

  it("but sends enough has all the time it needs", async () => {
    const { url } = await answering((response) => {
      response.writeHead(200);
      let sent = 0;
      const flow = setInterval(() => {
        response.write("x".repeat(40_000));
        if (++sent < 10) return;
        clearInterval(flow);
        response.end();
      }, 400);
    });
    const file = part();
    // Four seconds in all, of which each chunk may take three.
    await download(url, file, { ...options, patience: 3000 });
    expect(readFileSync(file)).toHaveLength(400_000);
  });

  it("sends without end, or says it will, is cut off at the limit", async () => {
    const { url } = await answering((response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 16)));
      };
      response.on("drain", more);
      more();
    });
    const directory = directoryOf();
    const endless = await failureOf(download(url, join(directory, "x.part"), { resumeBlindly: false, limit: 1 << 20 }));
    expect(endless).toMatchObject({ code: "DATA_DOWNLOAD", file: url });
    expect(endless.message).toMatch(/more than 1048576 bytes/);
    expect(readdirSync(directory)).toEqual([]);
    const boaster = await answering((response) => response.writeHead(200, { "content-length": 1e12 }).write("x"));
    const cacheDir = directoryOf();
    const announced = await failureOf(fetchDataset("nations", { mirror: boaster.url, cacheDir }));
    expect(announced.message).toMatch(/nations\.tar\.gz: the server sends more than 1558528 bytes/);
    expect(boaster.count()).toBe(1);
  });

  it("redirects for ever, to files or to nonsense is refused at once", async () => {
    for (const location of ["/again", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "data:text/plain,a"]) {
      const { url, count } = await answering((response) => response.writeHead(302, { location }).end());
      const error = await failureOf(download(url, part(), { resumeBlindly: false }));
      expect(error).toMatchObject({ name: "MuldeError", code: "DATA_DOWNLOAD", file: url });
      expect(error.message).toMatch(/redirects/);
      expect(count()).toBe(location === "/again" ? 6 : 1);
    }
  });

  it("redirects to the file is followed", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/there") sendFile(request, response, Buffer.from("hello"));
      else response.writeHead(301, { location: "/there" }).end();
    });
    const file = part();
    await download(`${url}/here`, file, { resumeBlindly: false });
    expect(readFileSync(file, "utf8")).toBe("hello");
  });

  it("cuts the connection again and again is borne as long as new bytes arrive", async () => {
    const content = Buffer.alloc(80_000, "x");
    const { url, requests } = await serve((request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
      const range = from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { etag: '"1"', "content-length": content.length - from, ...range });
      const rest = content.subarray(from);
      if (rest.length <= 10_000) response.end(rest);
      else response.write(rest.subarray(0, 10_000), () => setTimeout(() => response.destroy(), 20));
    });
    const file = part();
    await download(url, file, { resumeBlindly: false });
    expect(readFileSync(file).equals(content)).toBe(true);
    // More than the five attempts that a download has without progress.
    expect(requests.length).toBeGreaterThan(5);
  });
});

describe("the cache", () => {
  const mirror = (): string => directoryOf({ "nations.tar.gz": nations() });

  it("says what is wrong with its directory", async () => {
    const place = directoryOf({ file: "", "nations/nations.tar.gz/x": "" });
    const inFile = await failureOf(fetchDataset("nations", { mirror: mirror(), cacheDir: join(place, "file") }));
    expect(inFile).toMatchObject({ name: "MuldeError", code: "DATA_CACHE" });
    expect(inFile.message).toMatch(/in the place of|a part of the path is a file.*XDG_CACHE_HOME or cacheDir/);
    const taken = await failureOf(fetchDataset("nations", { mirror: mirror(), cacheDir: place }));
    expect(taken).toMatchObject({ code: "DATA_CACHE", file: join(place, "nations/nations.tar.gz") });
    expect(taken.message).toMatch(/is no file; remove it/);
    // Nobody may write there, not even root; on other systems than Linux it is not there.
    if (!existsSync("/proc/self")) return;
    const system = await failureOf(fetchDataset("nations", { mirror: mirror(), cacheDir: "/proc/mulde" }));
    expect(system).toMatchObject({ code: "DATA_CACHE", file: "/proc/mulde" });
  });

  it.skipIf(!existsSync("/dev/full"))("that is full says so, and keeps nothing half", async () => {
    const { url } = await serve((request, response) => {
      sendFile(request, response, Buffer.alloc(1 << 20));
    });
    // The device that is always full stands for a full disk.
    const error = await failureOf(download(url, "/dev/full", { resumeBlindly: false }));
    expect(error).toMatchObject({ name: "MuldeError", code: "DATA_CACHE", file: "/dev/full" });
  });

  it("serves several fetches at once, which do not write to one file", async () => {
    const content = nations();
    const { url } = await serve((_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 2000), () => setTimeout(() => response.end(content.subarray(2000)), 100));
    });
    const cacheDir = directoryOf();
    const all = Array.from({ length: 4 }, () => loadDataset("nations", { mirror: url, cacheDir }));
    const prints = (await Promise.all(all)).map(({ fingerprint }) => fingerprint);
    expect(new Set(prints).size).toBe(1);
    expect(readdirSync(join(cacheDir, "nations"))).toEqual(["nations.tar.gz"]);
  });

  it("gives a download what a dead process left, and nothing of living ones", async () => {
    const target = join(directoryOf(), "x.txt");
    // A process that has ended.
    const dead = execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }).trim();
    writeFileSync(`${target}.${dead}-0123abcd.part`, "little");
    writeFileSync(`${target}.${dead}-00000002.part`, "much more");
    writeFileSync(`${target}.${dead}-00000002.part.etag`, '"1"');
    writeFileSync(`${target}.${process.ppid}-00000001.part`, "another's, and the longest");
    const part = await claimPart(target);
    expect(readFileSync(part, "utf8")).toBe("much more");
    expect(readFileSync(`${part}.etag`, "utf8")).toBe('"1"');
    expect(readdirSync(dirname(target))).toHaveLength(3);
    // Not released, so it is not given to a second download of this process.
    const second = await claimPart(target);
    expect(existsSync(second)).toBe(false);
    await releasePart(target, part);
    const third = await claimPart(target);
    expect(readFileSync(third, "utf8")).toBe("much more");
    // A pid that is in use again: nobody has written for hours.
    utimesSync(`${target}.${process.ppid}-00000001.part`, 0, 0);
    expect(readFileSync(await claimPart(target), "utf8")).toMatch(/^another's/);
  });

  it("continues what an earlier call left", async () => {
    const content = nations();
    const stop = new AbortController();
    const { url, requests } = await serve((request, response) => {
      if (requests.length > 1) {
        sendFile(request, response, content, '"v1"');
        return;
      }
      response.writeHead(200, { "content-length": content.length, etag: '"v1"' });
      response.write(content.subarray(0, 2000));
    });
    const cacheDir = directoryOf();
    const onProgress = (): void => {
      stop.abort(new Error("stopped by the user"));
    };
    const options = { mirror: url, cacheDir, onProgress, signal: stop.signal };
    expect((await failureOf(loadDataset("nations", options))).message).toBe("stopped by the user");
    expect((await loadDataset("nations", { mirror: url, cacheDir })).test.length).toBe(201);
    expect(requests[1]!.headers.range).toBe("bytes=2000-");
    expect(readdirSync(join(cacheDir, "nations"))).toEqual(["nations.tar.gz"]);
  });

  it("needs a home, and says so", async () => {
    const directory = directoryOf();
    mkdirSync(join(directory, "x"));
    for (const wrong of [{ cacheDir: "" }, { mirror: 7 }, { offline: "no" }, { onProgress: true }, { signal: 1 }]) {
      const path = Object.keys(wrong);
      const error = await failureOf(fetchDataset("nations", wrong as object));
      expect(error).toMatchObject({ name: "MuldeError", code: "DATA_BAD_OPTION", path });
    }
    for (const wrong of ["http://", "file://elsewhere/x"]) {
      const error = await failureOf(fetchDataset("nations", { mirror: wrong, cacheDir: directory }));
      expect(error).toMatchObject({ code: "DATA_BAD_OPTION", path: ["mirror"] });
    }
  });
});
