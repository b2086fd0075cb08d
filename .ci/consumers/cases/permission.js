// Node's permission model: packages that may read files, and do nothing else.
import { deepEqual, equal, match } from "node:assert/strict";
import { lastJson } from "../_execute.js";
import { runProgram } from "../_programs.js";

// Node 20 has it as an experiment.
const flags = { node20: "--experimental-permission", node22: "--permission", node24: "--permission" };

export function permissionCases(session) {
  const run = async (node, ...allowed) =>
    lastJson(
      await runProgram(session, "top-k.js", await session.projects.everything(), {
        node,
        flags: [flags[node], "--allow-fs-read=*", ...allowed],
      }),
    );
  return Object.keys(flags).flatMap((node) => [
    {
      name: `permission: ${node}, to read files`,
      run: async () => {
        const { kind, threads, fallback, gradients } = await run(node);
        // No addon may be loaded, and no worker started.
        equal(`${kind} ${threads}`, "wasm 1");
        match(fallback, /--allow-addons/);
        deepEqual(gradients, { RotH: true, TuckER: true });
      },
    },
    {
      name: `permission: ${node}, to read files, to load addons and to start workers`,
      run: async () => {
        const { kind, gradients } = await run(node, "--allow-addons", "--allow-worker");
        equal(kind, session.projects.native ? "native" : "wasm");
        deepEqual(gradients, { RotH: true, TuckER: true });
      },
    },
  ]);
}
