import type { FileHandle } from "node:fs/promises";
import { fileError, MuldeError } from "@mulde/errors";
import { node } from "../_node.js";
import type { OpenFile } from "./_reading.js";

/** The codes of errors of a kind of file: `absent` where there is none, `unreadable` for any other failure. */
export interface ReadCodes {
  readonly absent: string;
  readonly unreadable: string;
  /** a sentence behind the reason of `absent` */
  readonly advice?: string;
}

/**
 * Opens a regular file.
 *
 * @throws MuldeError of one of the codes, also for a directory, a device or a pipe
 */
export async function openRegular(path: string, { absent, unreadable, advice }: ReadCodes): Promise<OpenFile> {
  const { open, stat } = node("fs/promises");
  let stats;
  try {
    // Asked first: to open a pipe would wait for its other end.
    stats = await stat(path);
    if (stats.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
    if (stats.isFile()) return diskFile(await open(path), path, stats.size, unreadable);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw fileError(unreadable, "read", path, cause);
    throw fileError(absent, "read", path, cause, advice);
  }
  throw new MuldeError(unreadable, "this is a device or a pipe, not a file; check the path.", { file: path });
}

function diskFile(handle: FileHandle, path: string, size: number, code: string): OpenFile {
  return {
    path,
    size,
    close: () => handle.close(),
    async fill(bytes, position) {
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at).catch((cause: unknown) => {
          throw fileError(code, "read", path, cause);
        });
        if (bytesRead === 0) {
          const reason = `the file became shorter while it was read: it ends at byte ${position + at}; try again.`;
          throw new MuldeError(code, reason, { file: path });
        }
        at += bytesRead;
      }
    },
  };
}
