// Mulde beside careful PyTorch, case by case in one run: `pnpm bench [--json] [--reps N] [--case a,b] [--data a,b]`.
// The peer is ../shared/bench/peer_torch.py, run by $MULDE_PEER_PYTHON or python3 where those have torch; without one its columns are empty.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    reps: { type: "string", default: "10" },
    case: { type: "string", default: "pretrain,distil,onevsall,rank" },
    data: { type: "string", default: "wn18rr,fb15k-237" },
  },
});

// How many times as fast as the peer, both with two threads; and in WebAssembly, both with one.
const targets = {
  distil: { native: 20, wasm: 4 },
  pretrain: { native: 15, wasm: 4 },
  onevsall: { native: { "fb15k-237": 8, wn18rr: 12 }, wasm: 2 },
  rank: { native: 20, wasm: 5 },
};
// The peer ranks one block of 500 queries; these are the blocks of a whole test set, both directions.
const rankBlocks = { wn18rr: (2 * 3134) / 500, "fb15k-237": (2 * 20466) / 500 };

const peerScript = fileURLToPath(new URL("../../shared/bench/peer_torch.py", import.meta.url));
const peerPython = [process.env.MULDE_PEER_PYTHON, "python3"].find(
  (python) => python && spawnSync(python, ["-c", "import torch"], { stdio: "ignore" }).status === 0,
);

function lastLine(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

function ours(name, data, engine, threads) {
  const script = fileURLToPath(new URL("case.js", import.meta.url));
  return lastLine(process.execPath, [script, name, data, engine, String(threads), flags.reps]);
}

function peer(name, data, threads) {
  if (!peerPython || !existsSync(peerScript)) return undefined;
  const args = [peerScript, "--threads", String(threads), "--reps", flags.reps, "--data", data, "--case", name];
  const { median_ms: ms, max_rss_mb: rss } = lastLine(peerPython, args);
  return { ms: name === "rank" ? ms * rankBlocks[data] : ms, rss };
}

const lines = [];
for (const data of flags.data.split(",")) {
  for (const name of flags.case.split(",")) {
    for (const [engine, threads] of [
      ["native", 2],
      ["wasm", 1],
    ]) {
      const mine = ours(name, data, engine, threads);
      const theirs = peer(name, data, threads);
      const target = targets[name][engine]?.[data] ?? targets[name][engine];
      const line = {
        case: name,
        data,
        engine,
        isa: mine.isa,
        threads,
        median_ms: Number(mine.median_ms.toFixed(2)),
        peer_ms: theirs ? Number(theirs.ms.toFixed(2)) : null,
        ratio: theirs ? Number((theirs.ms / mine.median_ms).toFixed(1)) : null,
        target,
        max_rss_mb: mine.max_rss_mb,
        peer_rss_mb: theirs?.rss ?? null,
      };
      lines.push(line);
      if (flags.json) console.log(JSON.stringify(line));
      else console.error(`${name} ${data} ${engine}: ${line.median_ms} ms`);
    }
  }
}

if (!flags.json) {
  console.log(`\n${cpus()[0].model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log("| case | data | engine | threads | ms | PyTorch ms | ratio | target | MB | PyTorch MB |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const l of lines) {
    const engine = l.engine === "wasm" ? "wasm" : `native (${l.isa})`;
    const row = [
      l.case,
      l.data,
      engine,
      l.threads,
      l.median_ms,
      l.peer_ms ?? "-",
      l.ratio ?? "-",
      l.target,
      l.max_rss_mb,
    ];
    console.log(`| ${[...row, l.peer_rss_mb ?? "-"].join(" | ")} |`);
  }
}
