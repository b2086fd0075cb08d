// Where the file system gives nothing: a user without a name and a home, and packages that nobody may write to.
import { deepEqual, equal, match } from "node:assert/strict";
import { copyFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { execute, lastJson } from "../_execute.js";
import { placed, smoke } from "../_programs.js";
import { Skipped } from "../_skipped.js";

/** A command as a user that no file knows. Only root may become one. */
async function asNobody(command, args, options) {
  if (process.getuid?.() !== 0) throw new Skipped("only root can run a program as another user");
  const nobody = ["--reuid", "54321", "--regid", "54321", "--clear-groups"];
  return execute("setpriv", [...nobody, command, ...args], options);
}

/** The files below a folder with their sizes and times. */
function state(folder) {
  return readdirSync(folder, { recursive: true })
    .sort()
    .map((path) => {
      const { size, mtimeMs } = statSync(join(folder, path));
      return `${path} ${size} ${mtimeMs}`;
    });
}

export function placeCases(session) {
  const { projects, tools } = session;
  const homeless = { HOME: undefined, XDG_CACHE_HOME: undefined, TMPDIR: undefined };
  return [
    {
      name: "places: mulde info without HOME, for an unknown user",
      run: async () => {
        const folder = await projects.everything();
        const args = [join(folder, "node_modules/@mulde/cli/bin/mulde.js"), "info", "--json"];
        const info = lastJson(await asNobody(await tools.bin("node20"), args, { cwd: "/", env: homeless }));
        match(info.kernels, projects.native ? /^native/ : /^wasm$/);
        equal(info.datasets, null);
        match(info.datasetsReason, /XDG_CACHE_HOME/);
      },
    },
    {
      name: "places: rank and soft labels without HOME, for an unknown user",
      run: async () => {
        const folder = await projects.everything();
        for (const name of ["rank.js", "soft-labels.js"])
          lastJson(await asNobody(await tools.bin("node20"), [placed(name, folder)], { cwd: "/", env: homeless }));
      },
    },
    {
      name: "places: node_modules that nobody may write to",
      run: async () => {
        const folder = await projects.everything();
        const modules = join(folder, "node_modules");
        const before = state(modules);
        // The workspace may be closed to others.
        const copy = join(projects.empty("smoke"), "smoke.js");
        copyFileSync(smoke, copy);
        await asNobody(await tools.bin("node20"), [copy, folder], { cwd: folder, env: homeless });
        deepEqual(state(modules), before);
      },
    },
  ];
}
