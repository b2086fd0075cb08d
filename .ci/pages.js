// Runs the kernels' tests in Chromium, in a page with and in one without cross-origin isolation:
//   node .ci/pages.js [--whole] [--packages FOLDER] [--screenshot FILE]
// A sample of the tests, or with --whole all; the packages of the workspace, or those installed in FOLDER. Exit code 77: there is no Chromium.
import { join } from "node:path";
import { openChromium, serve } from "./consumers/_pages.js";
import { Skipped } from "./consumers/_skipped.js";
import { Tools } from "./consumers/tools.js";
import { check, finish, kit, optionsOf, skip, tell, temporary } from "./_kit.js";

const { whole, packages, screenshot } = optionsOf({ screenshot: { type: "string" } });
const folder = temporary();
const browser = await openChromium(new Tools(join(folder, "tools"))).catch((error) => {
  if (error instanceof Skipped) skip(error.message);
  throw error;
});

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

async function runIn(server, isolated) {
  const { page, complaints } = await browser.open();
  const query = `engines=wasm,single&threads=${isolated ? "1,2" : "1"}&every=${whole ? 1 : 7}`;
  await page.goto(`${server.url(isolated ? "isolated" : "plain", "index.html")}?${query}`);
  const report = await page.evaluate(() => globalThis.report);
  tell(`Chromium ${browser.version}, ${isolated ? "cross-origin isolated" : "not isolated"}`, report);
  check(
    "the page is isolated as it should be",
    (await page.evaluate(() => globalThis.crossOriginIsolated)) === isolated,
  );
  const cores = await page.evaluate(() => globalThis.navigator.hardwareConcurrency);
  const usual = await threadsOf(page, {});
  check("createKernels() takes all cores, or one if the page is not isolated", usual === (isolated ? cores : 1), usual);
  const two = await threadsOf(page, { threads: 2 });
  check("two threads run, or are refused", two === (isolated ? 2 : "KERNELS_NO_THREADS"), two);
  check("the page reports nothing, and finds every file", complaints.length === 0, complaints);
  if (screenshot !== undefined && isolated) await page.screenshot({ path: screenshot });
  await page.close();
}

const server = await serve(await kit(join(folder, "kit"), packages));
try {
  for (const isolated of [true, false]) await runIn(server, isolated);
} finally {
  await browser.close();
  server.close();
}
finish();
