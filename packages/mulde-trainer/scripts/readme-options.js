// Writes the README's tables of options from the schemas: node scripts/readme-options.js, after a build. --stdout prints the page instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { distilSchema, experimentSchema, trainSchema } from "../dist/index.js";

const path = fileURLToPath(new URL("../README.md", import.meta.url));
const own = Object.entries(distilSchema.shape).filter(([name]) => !(name in trainSchema.shape));
let text = readFileSync(path, "utf8");
text = under(text, "### Both", trainSchema.shape, "option");
text = under(text, "### `distil`", Object.fromEntries(own), "option");
text = under(text, "## Experiments", experimentSchema.shape, "field");
if (process.argv.includes("--stdout")) process.stdout.write(text);
else writeFileSync(path, text);

/** The text with the first table under a heading made anew. */
function under(readme, heading, shape, kind) {
  const rows = Object.entries(shape).map(([name, field]) => {
    const { success, data } = field.safeParse(undefined);
    return `| \`${name}\` | ${success ? `\`${JSON.stringify(data)}\`` : "required"} | ${field.description} |`;
  });
  const table = [`| ${kind} | default | meaning |`, "| --- | --- | --- |", ...rows].join("\n");
  const start = readme.indexOf(`\n${heading}\n`);
  return readme.slice(0, start) + readme.slice(start).replace(/\n\|[^]*?\n(?!\|)/, () => `\n${table}\n`);
}
