// The peer, ../shared/bench/peer_torch.py, run by $MULDE_PEER_PYTHON or python3, whichever has torch.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { batchSize, shapes } from "./shapes.js";

const script = fileURLToPath(new URL("../../../shared/bench/peer_torch.py", import.meta.url));
const peerCases = ["pretrain", "distil", "onevsall", "rank"];

let found;

/** { python, version }, or null without a peer: without its script, or without torch. */
function torch() {
  found ??= { torch: findTorch() };
  return found.torch;
}

function findTorch() {
  if (!existsSync(script)) return null;
  for (const python of [process.env.MULDE_PEER_PYTHON, "python3"].filter(Boolean)) {
    const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], {
      encoding: "utf8",
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return null;
}

/** The version of torch that the peer runs on, or null without a peer. */
export function torchVersion() {
  return torch()?.version ?? null;
}

/** Runs a command and parses the last line that it prints as JSON. */
export function lastLine(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${error?.message ?? stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** { ms, rss } of a case, or undefined if the peer does not have it. */
export function peer(name, data, threads, repetitions) {
  if (!peerCases.includes(name) || !torch()) return undefined;
  const args = [script, "--threads", threads, "--reps", repetitions, "--data", data, "--case", name];
  const { median_ms: ms, max_rss_mb: rss } = lastLine(torch().python, args.map(String));
  // It ranks one block of queries: multiply by the blocks of the whole test set in both directions.
  return { ms: name === "rank" ? (ms * 2 * shapes[data].test) / batchSize : ms, rss };
}
