// The lines of a bench as Markdown tables, one for each section.

const engine = ({ engine, isa }) => (engine === "wasm" ? "wasm" : `native (${isa})`);
const atLeast = (value) => value !== null && `>= ${value}`;
const percent = (share) => `${Math.round(100 * share)} %`;
const common = { case: (l) => l.case, data: (l) => l.data, engine };

const sections = {
  steps: {
    ...common,
    threads: (l) => l.threads,
    ms: (l) => l.median_ms,
    "PyTorch ms": (l) => l.peer_ms,
    ratio: (l) => l.ratio,
    target: (l) => atLeast(l.target),
    MB: (l) => l.max_rss_mb,
    "PyTorch MB": (l) => l.peer_rss_mb,
  },
  threads: {
    ...common,
    "1 thread ms": (l) => l.one_thread_ms,
    "2 threads ms": (l) => l.median_ms,
    "times as fast": (l) => l.speedup,
    target: (l) => atLeast(l.target),
  },
  epochs: {
    ...common,
    threads: (l) => l.threads,
    triples: (l) => l.triples,
    s: (l) => l.seconds,
    "target s": (l) => l.target && `<= ${l.target}`,
    MB: (l) => l.max_rss_mb,
    "target MB": (l) => l.target_mb && `<= ${l.target_mb}`,
  },
  peak: {
    ...common,
    threads: (l) => l.threads,
    "GFLOP/s": (l) => l.gflops,
    "peak GFLOP/s": (l) => l.peak_gflops,
    share: (l) => percent(l.share),
    target: (l) => l.target && atLeast(percent(l.target)),
  },
};

const titles = {
  steps: "Steps",
  threads: "Second thread",
  epochs: "Epochs",
  peak: "Share of the peak",
};

export function machineText(machine) {
  const { cpu, cores, isa, peak_gflops: one, peak_gflops_of_two: two, load, node, torch, date } = machine;
  const peer = torch ? `torch ${torch}` : "no torch";
  return `${date}: ${cpu}, ${cores} cores, ${isa}, peak ${one} GFLOP/s of one core and ${two} of two, load ${load}; Node ${node}, ${peer}`;
}

/** One table for each section that has lines. */
export function tables(lines) {
  const parts = [];
  for (const [section, columns] of Object.entries(sections)) {
    const own = lines.filter((line) => line.section === section);
    if (own.length === 0) continue;
    const rows = own.map((line) => Object.values(columns).map((cell) => cell(line) || "-"));
    const names = Object.keys(columns);
    const text = [names, names.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
    parts.push(`## ${titles[section]}\n\n${text.join("\n")}\n`);
  }
  return parts.join("\n");
}
