import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import type { TripleList, Vocabulary } from "../src/index.js";

const made: string[] = [];

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A directory with the given files that is removed after the test. */
export function directoryOf(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "mulde-test-"));
  made.push(directory);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** A file with the given bytes that is removed after the test. */
export function fileOf(content: string | Uint8Array, name = "triples.tsv"): string {
  return join(directoryOf({ [name]: content }), name);
}

/** Triples as names, one string each. */
export function namesOf(triples: TripleList, entities: Vocabulary, relations: Vocabulary): string[] {
  return rows(triples).map(([h, r, t]) => `${entities.name(h)} ${relations.name(r)} ${entities.name(t)}`);
}

/** Triples as arrays. */
export function rows(triples: TripleList): [number, number, number][] {
  return Array.from({ length: triples.length }, (_, i) => [
    triples.heads[i]!,
    triples.relations[i]!,
    triples.tails[i]!,
  ]);
}

/** The error that the promise rejects with; throws if it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing failed");
}
