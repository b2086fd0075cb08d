import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typescriptBlocks } from "./_blocks.js";
import { read, root, sources, workspace } from "./_workspace.js";

const run = promisify(execFile);

// Each example is put into its package's folder, where imports resolve as they do for the package itself. Those of the root's README and of
// docs/ use all packages, as the command does.
const readmes = [
  { readme: "README.md", folder: "apps/cli" },
  ...workspace
    .filter(({ manifest }) => manifest.name !== "@mulde/cli")
    .map(({ folder }) => ({ readme: `${folder}/README.md`, folder })),
];
const pages = [...readmes, ...guides().map((readme) => ({ readme, folder: "apps/cli" }))];
const examples = pages.flatMap(({ readme, folder }) =>
  typescriptBlocks(read(readme)).map((block) => ({
    ...block,
    readme,
    file: join(root, folder, ".readme", `${readme.replaceAll("/", "-")}-${block.line}.ts`),
  })),
);
const compilerOptions: ts.CompilerOptions = {
  ...ts.convertCompilerOptionsFromJson(
    (JSON.parse(read("tsconfig.base.json")) as { compilerOptions: unknown }).compilerOptions,
    root,
  ).options,
  // An example may show a value without using it.
  noUnusedLocals: false,
};

/** The pages of docs/, of which not each has an example. */
function guides(): string[] {
  return existsSync(join(root, "docs")) ? sources("docs", /\.md$/) : [];
}

const cwd = mkdtempSync(join(tmpdir(), "mulde-readme-"));

beforeAll(() => {
  for (const { file, code } of examples) {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, code);
    writeFileSync(javascript(file), ts.transpileModule(code, { compilerOptions }).outputText);
  }
});

afterAll(() => {
  for (const { folder } of readmes) rmSync(join(root, folder, ".readme"), { recursive: true, force: true });
  rmSync(cwd, { recursive: true, force: true });
});

function javascript(file: string): string {
  return file.replace(/\.ts$/, ".mjs");
}

it.each(readmes)("$readme has an example", ({ readme }) => {
  expect(examples.filter((example) => example.readme === readme && example.runs).length).toBeGreaterThan(0);
});

it("no example has a type error", () => {
  const program = ts.createProgram(
    examples.map(({ file }) => file),
    compilerOptions,
  );
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const example = examples.find((one) => one.file === file?.fileName);
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0;
    const place = example ? `${example.readme}:${example.line + line}` : (file?.fileName ?? "");
    return `${place}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  expect(errors).toEqual([]);
});

describe.each(examples.filter(({ runs }) => runs))("the example in $readme, line $line", ({ file }) => {
  it("runs", async () => {
    // In an empty folder, so that what an example writes to relative paths goes with it.
    const { stdout } = await run(process.execPath, [javascript(file)], { cwd, timeout: 60_000 });
    expect(stdout.trim()).not.toBe("");
  });
});

it("the README's two commands are there", () => {
  expect(read("README.md")).toContain("npm start");
  expect(read("README.md")).toContain("npm test");
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  expect(scripts).toMatchObject({
    start: "node scripts/bootstrap.js start",
    test: "node scripts/bootstrap.js test",
  });
});
