// One hundred workers in turn, half of them terminated in a call.
import { equal, ok } from "node:assert/strict";
import { lastJson } from "../_execute.js";
import { placed, runProgram } from "../_programs.js";
import { Skipped } from "../_skipped.js";

export function workerCases(session) {
  const { projects } = session;
  return ["native", "wasm"].map((engine) => ({
    name: `workers: one hundred in turn, half terminated in a call, ${engine}`,
    run: async () => {
      if (engine === "native" && !projects.native) throw new Skipped("no tarball has kernels for this machine");
      const folder = await projects.everything();
      placed("worker.js", folder);
      const { answers, grown } = lastJson(
        await runProgram(session, "workers.js", folder, { env: { MULDE_KERNELS: engine } }),
      );
      equal(answers.length, 1);
      // A thread or two of Node's own may have started in the meantime.
      ok(grown <= 2, `${grown} threads stayed`);
    },
  }));
}
