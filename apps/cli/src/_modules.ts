import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { MuldeCommand } from "./_command.js";
import { MuldeError } from "./_errors.js";
import { exists } from "./_files.js";

/** `--import`: modules that run before the command does, such as one that calls `defineModel`. */
export function addImportOption(command: MuldeCommand): MuldeCommand {
  return command
    .option(
      "--import <module>",
      "run a module first, as one with your own models",
      (path: string, before: readonly string[] | undefined) => [...(before ?? []), path],
    )
    .hook("preAction", async (called) => {
      const { import: modules = [] } = called.opts<{ import?: readonly string[] }>();
      for (const path of modules) await importModule(path);
    });
}

/** @param path - from the working directory */
async function importModule(path: string): Promise<void> {
  if (!(await exists(path))) {
    throw new MuldeError("CLI_IMPORT", "there is no such module; check the path.", { file: path });
  }
  try {
    await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    if (cause instanceof MuldeError) throw cause.at({ file: path });
    const reason = cause instanceof Error ? cause.message : `it throws ${String(cause)}`;
    throw new MuldeError("CLI_IMPORT", `the module cannot be imported: ${reason.replace(/\.$/, "")}.`, {
      file: path,
      cause,
    });
  }
}
