import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { basename } from "node:path";
import { z } from "zod";

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** when the process started, in the kernel's ticks: another process with this pid started at another time */
  started: z.string().optional(),
  /** tells machines apart, and one run of a machine from the next */
  boot: z.string().optional(),
  /** a pid means something within its namespace only: containers count from 1 each */
  namespace: z.string().optional(),
  command: z.string(),
  since: z.string(),
  /** never the same twice */
  id: z.string(),
});

/** The process that made a lock, as the lock's file tells it. */
export type LockOwner = z.infer<typeof ownerSchema>;

// Enough to recognise a command by; a list of a hundred teachers is not.
const longestCommand = 200;

/** How often an owner shows that it lives, to those who cannot look for its pid. */
export const heartbeatMilliseconds = 10_000;

// Six heartbeats in vain. A step or a validation's block keeps a process silent for seconds at most.
const silenceMilliseconds = 60_000;

/** This process as an owner. */
export function ownOwner(id: string): LockOwner {
  return {
    pid: process.pid,
    host: hostname(),
    started: statOf("self")?.start,
    boot: firstLine("/proc/sys/kernel/random/boot_id"),
    namespace: namespace(),
    command: command(),
    since: new Date().toISOString(),
    id,
  };
}

/** The owner that a lock's file tells; undefined for an empty or damaged one. */
export function parseOwner(text: string): LockOwner | undefined {
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Whether an owner lives. A process of this machine is looked up by its pid and start time; one of another machine or container lives
 * as long as it shows it.
 *
 * @param silence - milliseconds since it last touched its file
 */
export function isAlive(owner: LockOwner, silence: number): boolean {
  return isNear(owner) ? isRunning(owner) : silence < silenceMilliseconds;
}

/** Whether this process can see the owner by its pid. */
export function isNear({ host, boot, namespace: space }: LockOwner): boolean {
  const own = ownOwner("");
  return boot === undefined ? host === own.host : boot === own.boot && space === own.namespace;
}

function isRunning({ pid, started }: LockOwner): boolean {
  const stat = statOf(String(pid));
  // A killed process stays as a zombie until its parent asks for it.
  if (started !== undefined && stat) return stat.start === started && !["Z", "X"].includes(stat.state);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A process's state and when it started, from Linux's /proc; undefined for one that is gone, or elsewhere. */
function statOf(pid: string): { readonly state: string; readonly start: string } | undefined {
  // The second field is the program's name in brackets, which may hold anything. Behind it, the state is field 3 and the start is 22.
  const fields = firstLine(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  return fields && { state: fields[0]!, start: fields[22 - 3]! };
}

function namespace(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[0];
  } catch {
    return undefined;
  }
}

function command(): string {
  const [, script, ...args] = process.argv;
  const whole = [basename(script ?? process.execPath, ".js"), ...args].join(" ");
  return whole.length > longestCommand ? `${whole.slice(0, longestCommand)}...` : whole;
}
