// One package alone, with nothing but what it needs.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { deepEqual, equal, ok } from "node:assert/strict";
import { lastJson } from "../_execute.js";
import { nodes, runProgram } from "../_programs.js";

/** What is installed in a project; of a scope, its packages. */
function installed(folder) {
  const names = (directory) => readdirSync(directory).filter((name) => !name.startsWith("."));
  const modules = join(folder, "node_modules");
  return names(modules).flatMap((name) =>
    name.startsWith("@") ? names(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

export function aloneCases(session) {
  const { projects } = session;
  return [
    {
      name: "alone: @mulde/eval ranks a function",
      run: async () => {
        const folder = await projects.installed({ installer: "npm", node: "node20", packages: ["@mulde/eval"] });
        deepEqual(installed(folder), ["@mulde/errors", "@mulde/eval"]);
        for (const node of nodes) {
          const { mrr, hits } = lastJson(await runProgram(session, "rank.js", folder, { node }));
          // Both sides of (3, 0, 4) come first; those of (1, 1, 3) share the second place with others.
          ok(mrr > 0.5 && mrr < 1, String(mrr));
          equal(hits["10"], 1);
        }
      },
    },
    {
      name: "alone: @mulde/senior makes soft labels of two functions",
      run: async () => {
        const packages = ["@mulde/senior", "@mulde/kernels"];
        const folder = await projects.installed({ installer: "npm", node: "node20", packages });
        deepEqual(
          installed(folder).filter((name) => !/^@mulde\/|^hyparquet/.test(name)),
          [],
        );
        for (const node of nodes) {
          const { weights, softLogits } = lastJson(await runProgram(session, "soft-labels.js", folder, { node }));
          // The Junior of the first query is with the first teacher, that of the second with the other.
          ok(weights[0] > weights[1] && weights[3] > weights[2], weights.join());
          ok(softLogits[2] > softLogits[0] && softLogits[3] > softLogits[5], softLogits.join());
        }
      },
    },
  ];
}
