// The packages as their users have them, from packed tarballs, in a folder outside the workspace:
//   node .ci/consumers/run.js [--only START]... [--whole] [--work FOLDER] TARBALLS-FOLDER
// --only runs the cases whose name starts so; --whole runs every program on every Node; --work keeps the tools and projects there.
// The last line is "N passed, N failed"; a line that starts with SKIPPED names a case that could not run here.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Skipped } from "./_skipped.js";
import { Projects } from "./_projects.js";
import { Tools } from "./tools.js";
import { aloneCases } from "./cases/alone.js";
import { bundleCases } from "./cases/bundles.js";
import { exampleCases } from "./cases/examples.js";
import { firstProgramCases } from "./cases/first-program.js";
import { installCases } from "./cases/install.js";
import { permissionCases } from "./cases/permission.js";
import { placeCases } from "./cases/places.js";
import { requireCases } from "./cases/require.js";
import { runtimeCases } from "./cases/runtimes.js";
import { teacherCases } from "./cases/teachers.js";
import { typeCases } from "./cases/types.js";
import { workerCases } from "./cases/workers.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", multiple: true }, whole: { type: "boolean" }, work: { type: "string" } },
});
if (positionals.length !== 1) throw new Error("Give one folder with the packed tarballs.");

const work = values.work ? resolve(values.work) : mkdtempSync(join(tmpdir(), "mulde-consumers-"));
const folder = join(work, "Größe мой проект");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
// Some cases run as another user.
chmodSync(work, 0o755);

const tools = new Tools(join(work, "tools"));
const projects = new Projects(folder, tools, resolve(positionals[0]));
// `closing`: what the cases share and must end.
const session = { tools, projects, whole: values.whole ?? false, closing: [] };
const cases = [
  installCases,
  typeCases,
  aloneCases,
  firstProgramCases,
  teacherCases,
  exampleCases,
  requireCases,
  placeCases,
  permissionCases,
  workerCases,
  runtimeCases,
  bundleCases,
].flatMap((casesOf) => casesOf(session));
const chosen = cases.filter(({ name }) => !values.only || values.only.some((text) => name.startsWith(text)));
if (chosen.length === 0) throw new Error(`No case has such a name:\n${cases.map(({ name }) => name).join("\n")}`);

const counts = { passed: 0, failed: 0 };
const skips = [];
for (const { name, run } of chosen) {
  const start = performance.now();
  const line = (outcome) => console.log(`${outcome} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  try {
    await run();
    counts.passed++;
    line("ok     ");
  } catch (error) {
    if (error instanceof Skipped) {
      skips.push(`SKIPPED ${name}: ${error.message}`);
      console.log(`!!! SKIPPED ${name}: ${error.message}`);
    } else {
      counts.failed++;
      line("FAILED ");
      // What a command printed needs no stack.
      console.log(String(error.stack ?? error.message).replaceAll(/^/gm, "    "));
    }
  }
}
for (const close of session.closing) await close();
if (!values.work) rmSync(work, { recursive: true, force: true });
for (const skip of skips) console.log(skip);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
