import { MuldeError } from "./error.js";

/** What was tried with the file; the words that the message needs. */
export type FileAction = "read" | "written";

const elsewhere = "choose another place";

/** What is wrong and how to fix it, by the system's code of the failure. */
const reasons: Readonly<Record<string, Readonly<Record<FileAction, string>> | string>> = {
  ENOENT: {
    read: "there is no such file; check the path.",
    written: "the directory that it belongs in is not there; make it, or check the path.",
  },
  EACCES: {
    read: "this process may not read it; change its permissions.",
    written: `this process may not write here; change the permissions, or ${elsewhere}.`,
  },
  EROFS: `the file system is read-only; ${elsewhere}.`,
  ENOSPC: `the disk is full; free some space, or ${elsewhere}.`,
  EDQUOT: `the disk quota is used up; free some space, or ${elsewhere}.`,
  EFBIG: "the file would be larger than this process may write; raise the limit (ulimit -f).",
  EISDIR: {
    read: "this is a directory, not a file; check the path.",
    written: `a directory is in the place of the file; remove it, or ${elsewhere}.`,
  },
  EEXIST: `something else with this name is in the way; remove it, or ${elsewhere}.`,
  ENOTDIR: "a part of the path is a file, not a directory; check the path.",
  ENAMETOOLONG: "the name is too long for the file system; shorten it.",
  EMFILE: "this process has too many files open; raise the limit (ulimit -n).",
  ELOOP: "its symbolic links lead in a circle; check the path.",
};

// Other codes for the same failure.
const synonyms: Readonly<Record<string, string>> = { EPERM: "EACCES", ENFILE: "EMFILE" };

/**
 * A failed system call on a file, as an error that names the file, says what is wrong and how to fix it.
 *
 * @param code - the `code` of the error, of the caller's own
 * @param cause - what the file system threw; an error of this function is told again, under the new code
 * @param also - a sentence behind the reason: what else can be done, or what did not happen
 */
export function fileError(code: string, action: FileAction, file: string, cause: unknown, also?: string): MuldeError {
  const system = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const known = reasons[synonyms[system] ?? system];
  const reason = typeof known === "object" ? known[action] : known;
  const told = cause instanceof Error ? cause.message : String(cause);
  const what = cause instanceof MuldeError ? cause.reason : (reason ?? `the file cannot be ${action} (${told}).`);
  return new MuldeError(code, also === undefined ? what : `${what} ${also}`, { file, cause });
}
