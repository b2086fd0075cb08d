// Runs the kernels' tests in Chromium, in a page with and in one without cross-origin isolation:
//   node .ci/pages.js [--whole] [--packages FOLDER] [--screenshot FILE]
// A sample of the tests, or with --whole all; the packages of the workspace, or those installed in FOLDER. CHROMIUM names the browser if it
// is not in PATH. Exit code 77: there is none.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { delimiter, extname, join } from "node:path";
import { check, finish, install, kit, optionsOf, skip, tell, temporary } from "./_kit.js";

const names = ["chromium", "chromium-browser", "google-chrome"];
const places = process.env.PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
const browserPath = process.env.CHROMIUM ?? places.find(existsSync);
if (browserPath === undefined) skip("no Chromium in PATH, and CHROMIUM does not name one");

const { whole, packages, screenshot } = optionsOf({ screenshot: { type: "string" } });
const folder = temporary();
const tools = install(join(folder, "tools"), "playwright-core@1.65.1");
const { chromium } = createRequire(import.meta.url)(join(tools, "playwright-core"));
const root = await kit(join(folder, "kit"), packages);

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** Serves the kit on a free port of this machine alone. */
async function serve(headers) {
  const server = createServer(async ({ url }, response) => {
    try {
      const body = await readFile(join(root, new URL(url, "http://localhost").pathname));
      response.writeHead(200, {
        "Content-Type": types[extname(new URL(url, "http://localhost").pathname)] ?? "",
        ...headers,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** What createKernels makes in the page with these options: its threads, or the error's code. */
function threadsOf(page, options) {
  return page.evaluate(async (given) => {
    const { createKernels } = await import("@mulde/kernels");
    try {
      const kernels = await createKernels(given);
      const { threads } = kernels;
      await kernels.close();
      return threads;
    } catch (error) {
      return error.code ?? String(error);
    }
  }, options);
}

async function runIn(browser, isolated) {
  const { server, origin } = await serve(isolated ? isolation : {});
  const page = await browser.newPage();
  const troubles = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()} for ${response.url()}`);
  });
  const query = `engines=wasm&threads=${isolated ? "1,2" : "1"}&every=${whole ? 1 : 7}`;
  await page.goto(`${origin}/index.html?${query}`);
  const report = await page.evaluate(() => globalThis.report);
  tell(`Chromium ${browser.version()}, ${isolated ? "cross-origin isolated" : "not isolated"}`, report);
  check(
    "the page is isolated as it should be",
    (await page.evaluate(() => globalThis.crossOriginIsolated)) === isolated,
  );
  const cores = await page.evaluate(() => globalThis.navigator.hardwareConcurrency);
  const usual = await threadsOf(page, {});
  check("createKernels() takes all cores, or one if the page is not isolated", usual === (isolated ? cores : 1), usual);
  const two = await threadsOf(page, { threads: 2 });
  check("two threads run, or are refused", two === (isolated ? 2 : "KERNELS_NO_THREADS"), two);
  check("the page reports nothing, and finds every file", troubles.length === 0, troubles);
  if (screenshot !== undefined && isolated) await page.screenshot({ path: screenshot });
  await page.close();
  server.close();
}

const browser = await chromium.launch({ executablePath: browserPath });
try {
  for (const isolated of [true, false]) await runIn(browser, isolated);
} finally {
  await browser.close();
}
finish();
