import type { Command } from "commander";
import { buildProgram } from "../src/program.js";

/** The calls of `mulde` in some lines, continued ones put together. */
export function callsIn(text: string): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, "").split("\n");
  return lines.map((line) => line.replace(/^ *(MULDE_\w+=\S+ )*/, "")).filter((line) => line.startsWith("mulde "));
}

/** The words after `mulde`, without the quotes. */
export function wordsOf(call: string): string[] {
  return (call.match(/"[^"]*"|\S+/g) ?? []).slice(1).map((word) => word.replaceAll('"', ""));
}

/** What a command line parses to, without doing it. */
export async function parsed(call: string): Promise<Record<string, string>> {
  const words = wordsOf(call);
  let command: Command = buildProgram();
  while (command.commands.length > 0 && words.length > 0 && !words[0]!.startsWith("-")) {
    const name = words.shift();
    const inner = command.commands.find((known) => known.name() === name);
    if (!inner) throw new Error(`no command ${String(name)}: ${call}`);
    command = inner;
  }
  if (words.includes("--help")) return {};
  // The modules of the examples are the reader's.
  if (words.includes("--import")) words.splice(words.indexOf("--import"), 2);
  await command.action(() => undefined).parseAsync(words, { from: "user" });
  return command.opts<Record<string, string>>();
}
