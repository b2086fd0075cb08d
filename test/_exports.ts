import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { read, root, type WorkspacePackage } from "./_workspace.js";

const compilerOptions = ts.convertCompilerOptionsFromJson(
  (JSON.parse(read("tsconfig.base.json")) as { compilerOptions: unknown }).compilerOptions,
  root,
).options;

/** The sources of a package's entries: src/x.ts for each entry of `exports` that is dist/x.js. */
function entries({ folder, manifest }: WorkspacePackage): string[] {
  const targets = [...new Set(JSON.stringify(manifest.exports ?? {}).match(/dist\/[\w./-]+?(?=\.d\.ts|\.js)/g))];
  return targets
    .map((target) => posix.join(folder, target.replace(/^dist\//, "src/").concat(".ts")))
    .filter((path) => existsSync(join(root, path)));
}

/** The names that each package exports, types included. */
export function exportedNames(packages: readonly WorkspacePackage[]): Map<string, string[]> {
  const files = new Map(packages.map((one) => [one.manifest.name, entries(one).map((path) => join(root, path))]));
  const program = ts.createProgram([...files.values()].flat(), compilerOptions);
  const checker = program.getTypeChecker();
  const namesOf = (file: string) => {
    const source = program.getSourceFile(file);
    const symbol = source && checker.getSymbolAtLocation(source);
    return symbol ? checker.getExportsOfModule(symbol).map(({ name }) => name) : [];
  };
  return new Map([...files].map(([name, paths]) => [name, [...new Set(paths.flatMap(namesOf))].sort()]));
}

/** The names that stand in a Markdown text's code spans; fenced blocks do not count. */
export function namedIn(markdown: string): Set<string> {
  const prose = markdown.replace(/^(```|~~~)[^]*?^\1$/gm, "");
  const spans = prose.match(/`[^`\n]+`/g) ?? [];
  return new Set(spans.flatMap((span) => span.match(/[A-Za-z_$][\w$]*/g) ?? []));
}
