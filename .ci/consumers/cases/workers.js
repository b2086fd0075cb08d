// One hundred workers in turn, half of them terminated in a call.
import { match } from "node:assert/strict";
import { runProgram } from "../_programs.js";
import { Skipped } from "../_skipped.js";

export function workerCases(session) {
  const { projects } = session;
  return ["native", "wasm"].map((engine) => ({
    name: `workers: one hundred in turn, half terminated in a call, ${engine}`,
    run: async () => {
      if (engine === "native" && !projects.native) throw new Skipped("no tarball has kernels for this machine");
      const { stdout } = await runProgram(session, "workers.js", await projects.everything(), { args: [engine] });
      match(stdout, /^\d{2,} passed, 0 failed$/m);
    },
  }));
}
