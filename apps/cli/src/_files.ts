import { access, mkdir } from "node:fs/promises";
import { MuldeError } from "./_errors.js";

/** Whether something is at a path. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Makes a directory for results; clear where a file is in its place. */
export async function makeDirectory(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    const reason = `the directory cannot be made (${(cause as Error).message}); choose another --out.`;
    throw new MuldeError("CLI_OUT", reason, { file: out, cause });
  }
}
