// What every trial of reliability ends with: a JSON line, an exit code, and with --record its row in docs/reliability.md.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import * as prettier from "prettier";

const page = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));

/** The widest vector unit that the kernels can use here. */
function vectors() {
  try {
    const flags = readFileSync("/proc/cpuinfo", "utf8");
    return flags.includes("avx512f") ? "AVX-512" : flags.includes("avx2") ? "AVX2" : process.arch;
  } catch {
    return process.arch;
  }
}

function commit() {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: new URL(".", import.meta.url),
    encoding: "utf8",
  }).trim();
}

/**
 * Ends a trial: prints its outcome as a JSON line on stdout, and fails the process unless every case held.
 *
 * @param outcome - `trial`: its name, the first cell of its row; `cases` and `held`: how many were tried and how many came out right;
 *   `seconds`; whatever else is worth a line of JSON
 */
export async function report(outcome) {
  const { trial, cases, held, seconds } = outcome;
  const date = new Date().toISOString().slice(0, 10);
  const where = `${vectors()}, ${cpus().length} cores, Node ${process.versions.node}`;
  console.log(JSON.stringify({ ...outcome, date, commit: commit(), machine: where }));
  if (cases === 0 || held < cases) process.exitCode = 1;
  if (!process.argv.includes("--record")) return;
  const figures = [cases, held, date, commit(), duration(seconds), where];
  const text = recorded(readFileSync(page, "utf8"), trial, figures);
  writeFileSync(page, await prettier.format(text, { ...(await prettier.resolveConfig(page)), filepath: page }));
}

/** The page with new figures in a trial's row; its first two cells, the trial and what it does, stay. */
export function recorded(text, trial, figures) {
  let found = false;
  const lines = text.split("\n").map((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells[1] !== trial) return line;
    found = true;
    return `| ${[...cells.slice(1, 3), ...figures].join(" | ")} |`;
  });
  if (!found) throw new Error(`docs/reliability.md has no row "${trial}": add one with its command.`);
  return lines.join("\n");
}

function duration(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
