// npm and pnpm install every package on each Node, and what they installed works there.
import { execute } from "../_execute.js";
import { nodes, smoke } from "../_programs.js";

const installers = ["npm", "pnpm"];

export function installCases({ tools, projects }) {
  return installers.flatMap((installer) =>
    nodes.map((node) => ({
      name: `install: ${installer} on ${node}`,
      run: async () => {
        const folder = await projects.installed({ installer, node });
        // Nothing is missing, left over or of a version that another package refuses.
        const list = installer === "npm" ? ["ls", "--all"] : ["ls", "--depth=Infinity"];
        await execute(await tools.bin(node), [await tools.bin(installer), ...list], { cwd: folder });
        for (const engine of projects.native ? ["native", "wasm"] : ["wasm"]) {
          await execute(await tools.bin(node), [smoke, folder], { env: { MULDE_KERNELS: engine } });
        }
      },
    })),
  );
}
