import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The rows of a tab-separated file beside this one, by the names of its columns; none where there is no such file. */
export function readTable(name) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (!existsSync(path)) return [];
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const columns = head.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((value, i) => [columns[i], value])));
}

/** The validation MRR that a model of the ledger was chosen by, or 0 where its line has none. */
export function validation({ note }) {
  return Number(/validation MRR (\S+) in/.exec(note)?.[1] ?? 0);
}
