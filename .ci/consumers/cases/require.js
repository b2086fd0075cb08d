// `require()` of every entry: Node loads these modules, which are ESM, or says itself why not.
import { equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execute, lastJson } from "../_execute.js";
import { nodes } from "../_programs.js";

/** The entries that a package offers to Node: "@mulde/senior/parquet" and so on. */
function entries(folder, name) {
  const manifest = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
  return Object.entries(manifest.exports)
    .filter(([, target]) => /\.js$/.test(target.default ?? ""))
    .map(([path]) => name + path.slice(1));
}

const program = `const counts = process.argv.slice(1).map((name) => [name, Object.keys(require(name)).length]);
console.log(JSON.stringify(Object.fromEntries(counts)));`;

export function requireCases({ projects, tools }) {
  const run = async (node, flags, options) => {
    const folder = await projects.everything();
    const names = projects.names.flatMap((name) => entries(folder, name));
    ok(names.length >= 7, names.join());
    const args = [...flags, "--input-type=commonjs", "--eval", program, "--", ...names];
    return { names, printed: await execute(await tools.bin(node), args, { cwd: folder, ...options }) };
  };
  return [
    ...nodes.map((node) => ({
      name: `require(): ${node}`,
      run: async () => {
        const { names, printed } = await run(node, []);
        equal(printed.stderr, "");
        const counts = lastJson(printed);
        for (const name of names) ok(counts[name] > 0, `${name}: ${counts[name]}`);
      },
    })),
    {
      name: "require(): where Node does not take ESM, its error says so",
      run: async () => {
        const { printed } = await run("node20", ["--no-experimental-require-module"], { status: 1 });
        match(printed.stderr, /ERR_REQUIRE_ESM/);
        match(printed.stderr, /dynamic import\(\)/);
      },
    },
  ];
}
