// The peer, ../shared/bench/peer_torch.py, run by $MULDE_PEER_PYTHON or python3 where one of them has torch.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { batchSize, shapes } from "./shapes.js";

const script = fileURLToPath(new URL("../../../shared/bench/peer_torch.py", import.meta.url));
const peerCases = ["pretrain", "distil", "onevsall", "rank"];

function findTorch() {
  if (!existsSync(script)) return undefined;
  for (const python of [process.env.MULDE_PEER_PYTHON, "python3"].filter(Boolean)) {
    const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], {
      encoding: "utf8",
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return undefined;
}

const torch = findTorch();

/** Undefined where there is no peer. */
export const torchVersion = torch?.version;

/** What a process printed last, as JSON. */
export function lastLine(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${error?.message ?? stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** { ms, rss } of a case that the peer has, else undefined. */
export function peer(name, data, threads, repetitions) {
  if (!torch || !peerCases.includes(name)) return undefined;
  const args = [script, "--threads", threads, "--reps", repetitions, "--data", data, "--case", name];
  const { median_ms: ms, max_rss_mb: rss } = lastLine(torch.python, args.map(String));
  // It ranks one block of queries: as many blocks make the whole test set in both directions.
  return { ms: name === "rank" ? (ms * 2 * shapes[data].test) / batchSize : ms, rss };
}
