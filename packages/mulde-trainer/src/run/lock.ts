import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileError, MuldeError } from "@mulde/errors";
import { makeDirectories } from "@mulde/kge-models";
import { heartbeatMilliseconds, isAlive, isNear, type LockOwner, ownOwner, parseOwner } from "./lock-owner.js";

/** A lock that this process holds. */
export interface Lock {
  /** the lock's file */
  readonly file: string;
  /** Gives the lock back: removes its file, and the directory if the lock made it and nothing else is in it. */
  release(): void;
}

// Every attempt fails only because another process got further meanwhile.
const attempts = 1000;

const held = new Set<Lock>();
let cleansUp = false;

/**
 * Takes the lock of a path, which the file `PATH.lock` stands for, or refuses at once. The lock of a process that was killed does not count,
 * nor does an empty or damaged file. `release` gives the lock back; the end of the process does too.
 *
 * Making the file shows whether the directory, which is made if need be, can be written to at all.
 *
 * How it stays correct when several processes find a dead lock at once: the file `PATH.lock.T` is the successor of the lock whose name
 * and contents have the hash T. A file is made together with its contents, and only where there is none, so that each lock has one successor. That one
 * then takes the place of `PATH.lock`. The contents of no two locks are the same: whoever made a successor and still finds the dead lock
 * in its place knows that nobody else was its successor meanwhile.
 *
 * @throws MuldeError TRAINER_LOCKED with the process that holds it, TRAINER_NOT_WRITABLE
 */
export function holdLock(path: string): Lock {
  const file = `${path}.lock`;
  const id = randomUUID();
  const content = `${JSON.stringify(ownOwner(id))}\n`;
  let made: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    made = makeDirectory(dirname(file)) ?? made;
    try {
      if (tryToTake(file, id, content)) return keep(file, content, made);
    } catch (error) {
      removeEmpty(dirname(file), made);
      throw error;
    }
  }
  throw new MuldeError("TRAINER_LOCKED", "other processes keep taking this lock; try again.", { file });
}

/** Whether the lock is this process's now; false if others changed it meanwhile. */
function tryToTake(file: string, id: string, content: string): boolean {
  const temporary = `${file}.${id}.tmp`;
  try {
    writeFileSync(temporary, content, { flag: "wx" });
    const now = statSync(temporary).mtimeMs;
    const { first, free } = endOfChain(file, now);
    link(temporary, free);
    if (first !== undefined) {
      if (hashOf(file) !== first) {
        remove(free);
        return false;
      }
      renameSync(free, file);
    }
    removeRest(file);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // EEXIST: another process was faster. ENOENT: it held the lock, and cleaned up.
    if (code === "EEXIST" || code === "ENOENT") return false;
    throw cause instanceof MuldeError ? cause : fileError("TRAINER_NOT_WRITABLE", "written", file, cause);
  } finally {
    remove(temporary);
  }
}

/**
 * Follows a lock and its successors, all of them dead, to where the next one belongs.
 *
 * @param now - what the file system's clock says
 * @throws MuldeError TRAINER_LOCKED if one of them lives
 */
function endOfChain(file: string, now: number): { readonly first: string | undefined; readonly free: string } {
  let first: string | undefined;
  let free = file;
  for (;;) {
    const content = read(free);
    if (content === undefined) return { first, free };
    const owner = parseOwner(content);
    const silence = now - (statSync(free, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (owner && isAlive(owner, silence)) throw locked(file, owner);
    const hash = hashOf(free, content);
    first ??= hash;
    free = `${file}.${hash}`;
  }
}

/** Gives a file a second name, if nothing has that yet. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    // A file system without links. The copy appears before its contents, but only microseconds.
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function keep(file: string, content: string, made: string | undefined): Lock {
  const descriptor = openSync(file, "r+");
  const beat = setInterval(() => {
    try {
      // Through the descriptor: should the lock be lost, this touches no other process's file.
      writeSync(descriptor, content, 0);
    } catch {
      // The next one may get through.
    }
  }, heartbeatMilliseconds);
  beat.unref();
  const lock: Lock = {
    file,
    release() {
      if (!held.delete(lock)) return;
      clearInterval(beat);
      closeSync(descriptor);
      if (isOwn(file, content)) remove(file);
      removeEmpty(dirname(file), made);
    },
  };
  held.add(lock);
  if (!cleansUp) process.once("exit", () => [...held].forEach((own) => own.release()));
  cleansUp = true;
  return lock;
}

/** What processes left behind that were killed while they took the lock. */
function removeRest(file: string): void {
  const names = readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.`));
  for (const name of names) remove(join(dirname(file), name));
}

/** Removes a file that no longer matters; if that fails, the next holder does. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // As said.
  }
}

function isOwn(file: string, content: string): boolean {
  try {
    return read(file) === content;
  } catch {
    return false;
  }
}

/** Makes a directory, and returns the outermost one that was not there. */
function makeDirectory(directory: string): string | undefined {
  try {
    return makeDirectories(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      throw fileError("TRAINER_NOT_WRITABLE", "written", directory, cause);
    }
    const reason = "a file is in the place of this directory; remove it, or choose another place.";
    throw new MuldeError("TRAINER_NOT_WRITABLE", reason, { file: directory, cause });
  }
}

/** Removes a directory and those around it, up to the outermost one that was made, as long as they are empty. */
function removeEmpty(directory: string, made: string | undefined): void {
  if (made === undefined) return;
  try {
    for (let own = directory; own.length >= made.length; own = dirname(own)) rmdirSync(own);
  } catch {
    // Something is in it by now.
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Tells a lock from every other one. With its name, since all empty files have the same contents. */
function hashOf(file: string, content = read(file)): string {
  return createHash("sha256")
    .update(`${basename(file)}\n${content}`)
    .digest("hex")
    .slice(0, 16);
}

function locked(file: string, owner: LockOwner): MuldeError {
  const { pid, host, command, since } = owner;
  const wait = isNear(owner) ? "" : "its lock counts until a minute after its end; ";
  return new MuldeError(
    "TRAINER_LOCKED",
    `process ${pid} on ${host} has been working here since ${since} (${command}); ${wait}wait for it, or choose another directory.`,
    { file, value: owner },
  );
}
