// A process that calls the API as some cases of the corpus say, one after the other, and prints a JSON line about each.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { MuldeError } from "@mulde/eval";
import { makeFiles } from "./_files.js";
import { cpuSeconds, peak } from "./_hook.js";
import { costs, differences, judgeMessage, treeOf } from "./_run.js";

const { root, module, names, fixtures } = JSON.parse(await text(process.stdin));
const { calls } = await import(module);
const { cases, setUp = () => ({}) } = calls(fixtures);
const given = await setUp();

for (const name of names) {
  const one = cases.find((known) => known.name === name);
  console.log(JSON.stringify({ name, ...(await outcome(one)) }));
}

async function outcome(one) {
  const folder = mkdtempSync(join(root, "call-"));
  makeFiles(folder, one.files ?? {});
  process.chdir(folder);
  const before = treeOf(folder);
  resetPeak();
  const [cpuBefore, started] = [cpuSeconds(), performance.now()];
  let error;
  try {
    await one.call(given, folder);
  } catch (thrown) {
    error = thrown;
  }
  const spent = {
    cpuSeconds: cpuSeconds() - cpuBefore,
    kilobytes: peak(),
    wallSeconds: (performance.now() - started) / 1000,
  };
  const faults = [...judge(error, one), ...costs(spent), ...differences(before, treeOf(folder))];
  process.chdir(root);
  rmSync(folder, { recursive: true, force: true });
  const said =
    error instanceof Error
      ? faults.length > 0 && !(error instanceof MuldeError)
        ? error.stack
        : `${error.message} (${error.code})`
      : String(error ?? "no error");
  return { faults, said };
}

function judge(error, one) {
  if (one.code === undefined) return error === undefined ? [] : ["it is refused"];
  if (error === undefined) return ["it is not refused"];
  if (!(error instanceof MuldeError)) return ["the error is no MuldeError"];
  return judgeMessage(error.message, error.code, one);
}

/** Forgets the most memory so far, where Linux lets it. */
function resetPeak() {
  globalThis.gc?.();
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // The peak then is that of all calls so far.
  }
}
