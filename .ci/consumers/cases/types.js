// Strict type checks of programs that use every package, with each TypeScript and resolution of modules that people have.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execute } from "../_execute.js";
import { program } from "../_programs.js";

const typescripts = ["typescript5", "typescript6", "typescript7"];
const node = { lib: ["es2022"], types: ["node"] };
const page = { lib: ["es2022", "dom", "dom.iterable"], types: [] };

/** `lib` and `types` decide what a program may lean on. */
const settings = {
  nodenext: { ...node, module: "nodenext", files: ["main.ts", "required.cts"] },
  bundler: { ...node, module: "esnext", moduleResolution: "bundler", files: ["main.ts"] },
  "bundler, dom": { ...page, module: "esnext", moduleResolution: "bundler", files: ["page.ts"] },
  "nodenext, dom": { ...page, module: "nodenext", files: ["page.ts"] },
  "nodenext, dom and node": { ...node, lib: page.lib, module: "nodenext", files: ["main.ts", "page.ts"] },
};

/** Checks programs in a folder of an installed project. */
async function check({ tools }, project, typescript, setting) {
  const folder = join(project, "types");
  cpSync(program("types"), folder, { recursive: true });
  const { files, ...compilerOptions } = settings[setting];
  const config = join(folder, `${typescript}, ${setting}.json`);
  writeFileSync(config, JSON.stringify({ extends: "./tsconfig.json", compilerOptions, files }));
  await execute(await tools.bin("node22"), [await tools.bin(typescript), "--project", config], { cwd: folder });
}

export function typeCases(session) {
  const { projects } = session;
  return [
    ...typescripts.flatMap((typescript) =>
      Object.keys(settings).map((setting) => ({
        name: `types: ${typescript}, ${setting}`,
        run: async () => check(session, await projects.everything(), typescript, setting),
      })),
    ),
    {
      // pnpm hides what a package does not declare.
      name: "types: as pnpm installs them",
      run: async () =>
        check(session, await projects.installed({ installer: "pnpm", node: "node20" }), "typescript6", "nodenext"),
    },
  ];
}
