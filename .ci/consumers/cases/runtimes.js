// Bun and Deno run the program that a user writes first.
import { execute } from "../_execute.js";
import { checkTwentyLines, twentyLines } from "./first-program.js";

const commands = { bun: ["run"], deno: ["run", "--allow-all", "--node-modules-dir=manual", "--no-lock"] };

export function runtimeCases(session) {
  const { projects, tools } = session;
  return Object.entries(commands).map(([runtime, args]) => ({
    name: `twenty lines: ${runtime}, wasm`,
    run: async () => {
      const folder = await projects.everything();
      const file = await twentyLines(session, folder);
      const options = {
        cwd: folder,
        env: { MULDE_KERNELS: "wasm", DENO_DIR: `${folder}/.deno`, DENO_NO_UPDATE_CHECK: "1" },
      };
      checkTwentyLines(await execute(await tools.bin(runtime), [...args, file], options));
    },
  }));
}
