import { execFileSync } from "node:child_process";

/** Whether a tool does what it must; says so if it does not. */
export function able(what: string, command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    console.warn(`${what} is not possible here: the tests that need it are SKIPPED.`);
    return false;
  }
}
