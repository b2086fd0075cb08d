// Preloaded into each command of the corpus: tells its peak memory and its CPU time at the end, on file descriptor 3.
import { readFileSync, writeSync } from "node:fs";

process.on("exit", () => {
  writeSync(3, JSON.stringify({ kilobytes: peak(), cpuSeconds: cpuSeconds() }));
});

/** The most memory so far, in kB. What getrusage tells includes the parent's before exec, so /proc goes first. */
export function peak() {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
