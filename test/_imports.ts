import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { read, root } from "./_workspace.js";

/** Every module that a file imports, types included. */
export function imports(path: string): string[] {
  return importsOf(read(path));
}

/** Every module that a text names: by import, export from, import() of a literal or import types. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** The files of the repository that a TypeScript, JavaScript or C++ file names by relative paths, all relative to the root. */
export function importedFiles(path: string): string[] {
  const names = /\.(cc|h)$/.test(path)
    ? [...read(path).matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)].map((match) => `./${match[1]!}`)
    : imports(path).filter((name) => name.startsWith("."));
  return names.flatMap((name) => {
    const file = posix.join(posix.dirname(path), name);
    const found = [file, file.replace(/\.js$/, ".ts")].find((one) => existsSync(join(root, one)));
    return found === undefined ? [] : [found];
  });
}

/** "tar" for "tar/x", "@a/b" for "@a/b/c". */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * The cycles of a directed graph, a shortest one for each node on any, each once: "a -> b -> a".
 *
 * @param nodes - every node
 * @param next - the nodes that a node points to
 */
export function cycles(nodes: readonly string[], next: (node: string) => readonly string[]): string[] {
  const found = new Set<string>();
  for (const start of nodes) {
    const cycle = shortestCycle(start, next);
    if (cycle) found.add(text(cycle));
  }
  return [...found].sort();
}

/** The nodes of a shortest path from a node back to itself, the node first and not repeated. */
function shortestCycle(start: string, next: (node: string) => readonly string[]): string[] | undefined {
  const before = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const other of next(node)) {
      if (other === start) {
        const path = [node];
        while (path[0] !== start) path.unshift(before.get(path[0]!)!);
        return path;
      }
      if (before.has(other)) continue;
      before.set(other, node);
      queue.push(other);
    }
  }
  return undefined;
}

/** A cycle from its first node by name on, so that it reads alike from wherever it was found. */
function text(cycle: readonly string[]): string {
  const at = cycle.indexOf([...cycle].sort()[0]!);
  const turned = [...cycle.slice(at), ...cycle.slice(0, at)];
  return [...turned, turned[0]!].join(" -> ");
}
