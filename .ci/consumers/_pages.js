// Pages in Chromium, from a server on this machine that isolates them or not.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, extname, join } from "node:path";
import { Skipped } from "./_skipped.js";

const kinds = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** Serves a folder below /plain/, and with the headers that isolate a page below /isolated/. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const [, part, path] =
      /^\/(plain|isolated)\/(.*)$/.exec(decodeURI(new URL(request.url, "http://a").pathname)) ?? [];
    const file = join(folder, path ?? "");
    if (path === undefined || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    const type = kinds[extname(file)] ?? "application/octet-stream";
    const bytes = readFileSync(file);
    const headers = { "Content-Type": type, "Content-Length": bytes.length, ...(part === "isolated" && isolation) };
    return response.writeHead(200, headers).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: (part, path) => `http://127.0.0.1:${port}/${part}/${path.split("/").map(encodeURIComponent).join("/")}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Debian's Chromium, or another that is in the PATH. */
function chromiumPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
}

/**
 * Opens Chromium. `open` gives an empty page, with what its console and the network complain of; `answer` loads a page and returns what its
 * `answered` resolves to, with the complaints and the bytes that it loaded.
 */
export async function openChromium(tools) {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Skipped("there is no Chromium; install the Debian package chromium");
  const { chromium } = await tools.module("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  async function open() {
    const page = await browser.newPage();
    const complaints = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(`${error}`));
    page.on("response", (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
    });
    return { page, complaints };
  }
  return {
    version: browser.version(),
    close: () => browser.close(),
    open,
    answer: async (url) => {
      const { page, complaints } = await open();
      // Bytes by the kind of file.
      const loaded = {};
      page.on("response", (response) => {
        const kind = extname(new URL(response.url()).pathname).slice(1);
        loaded[kind] = (loaded[kind] ?? 0) + Number(response.headers()["content-length"] ?? 0);
      });
      try {
        await page.goto(url);
        await page.waitForFunction(() => globalThis.answered, undefined, { timeout: 20_000 });
        return { ...(await page.evaluate(() => globalThis.answered)), complaints, loaded };
      } catch (error) {
        throw new Error([error.message, ...complaints].join("\n"), { cause: error });
      } finally {
        await page.close();
      }
    },
  };
}
