// The projects of examples/, copied out of the workspace as their READMEs say.
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { notEqual } from "node:assert/strict";
import { execute } from "../_execute.js";

const examples = fileURLToPath(new URL("../../../examples", import.meta.url));

export function exampleCases({ projects, tools }) {
  return readdirSync(examples).map((name) => ({
    name: `example: ${name}`,
    run: async () => {
      const folder = projects.empty(`example ${name}`);
      const filter = (path) => basename(path) !== "node_modules";
      cpSync(join(examples, name), folder, { recursive: true, filter });
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      await projects.install(folder, "npm", "node20", manifest);
      const run = [await tools.bin("npm"), "start"];
      const { stdout } = await execute(await tools.bin("node20"), run, { cwd: folder, env: { EPOCHS: "1" } });
      notEqual(stdout.trim(), "");
    },
  }));
}
