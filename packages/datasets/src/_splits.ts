import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { MuldeError } from "@mulde/errors";

const SPLITS = ["train", "valid", "test"] as const;
type Split = (typeof SPLITS)[number];

/** The files of a data set: three files of named triples, or OpenKE's five of ids. */
export type SplitFiles =
  | ({ readonly format: "names" } & Readonly<Record<Split, string>>)
  | ({ readonly format: "openke"; readonly entities: string; readonly relations: string } & Readonly<
      Record<Split, string>
    >);

const NAMED: Readonly<Record<Split, RegExp>> = {
  train: namePattern("train"),
  valid: namePattern("valid|validation|dev"),
  test: namePattern("test"),
};

const OPENKE = {
  entities: /^entity2id\.txt(\.gz)?$/i,
  relations: /^relation2id\.txt(\.gz)?$/i,
  train: /^train2id\.txt(\.gz)?$/i,
  valid: /^valid2id\.txt(\.gz)?$/i,
  test: /^test2id\.txt(\.gz)?$/i,
};

/**
 * Finds train, valid (or dev, validation) and test in a directory, or else in the one of its subdirectories that has them.
 * @throws MuldeError DATA_NOT_FOUND, DATA_MISSING_SPLIT or DATA_AMBIGUOUS that names what was found.
 */
export async function findSplits(directory: string): Promise<SplitFiles> {
  const { files, directories } = await list(directory);
  const here = match(directory, files);
  if (here !== undefined) return here;
  const below: SplitFiles[] = [];
  for (const name of directories) {
    const inside = join(directory, name);
    const found = match(inside, (await list(inside)).files);
    if (found !== undefined) below.push(found);
  }
  if (below.length === 1) return below[0]!;
  if (below.length > 1) {
    const places = below.map(({ train }) => relative(directory, train)).join(", ");
    throw new MuldeError("DATA_AMBIGUOUS", `the directory has several data sets (${places}); pass the one to load.`, {
      file: directory,
    });
  }
  const missing = SPLITS.filter((split) => !files.some((file) => NAMED[split].test(file)));
  throw new MuldeError(
    "DATA_MISSING_SPLIT",
    `there is no file for ${missing.join(", ")} (such as ${missing[0]}.txt) and no train2id.txt of OpenKE; ` +
      `the directory has ${files.slice(0, 10).join(", ") || "no files"}. Split your own triples with splitTriples.`,
    { file: directory },
  );
}

function match(directory: string, files: readonly string[]): SplitFiles | undefined {
  const named = matchAll(directory, files, NAMED);
  if (named !== undefined) return { format: "names", ...named };
  const openke = matchAll(directory, files, OPENKE);
  return openke && { format: "openke", ...openke };
}

/** One file for each pattern; undefined if a pattern matches none. */
function matchAll<K extends string>(
  directory: string,
  files: readonly string[],
  patterns: Readonly<Record<K, RegExp>>,
): Record<K, string> | undefined {
  const found: Partial<Record<K, string>> = {};
  for (const key of Object.keys(patterns) as K[]) {
    const matches = files.filter((file) => patterns[key].test(file));
    if (matches.length === 0) return undefined;
    if (matches.length > 1) {
      throw new MuldeError("DATA_AMBIGUOUS", `the directory has ${matches.join(" and ")}; keep one of them.`, {
        file: directory,
      });
    }
    found[key] = join(directory, matches[0]!);
  }
  return found as Record<K, string>;
}

function namePattern(stems: string): RegExp {
  return new RegExp(`^(${stems})(\\.(txt|tsv|csv|nt|ttl))?(\\.gz)?$`, "i");
}

async function list(directory: string): Promise<{ files: string[]; directories: string[] }> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      // People link data sets into place, so a link counts as a file.
      files: entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name),
      directories: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
    };
  } catch (cause) {
    throw new MuldeError("DATA_NOT_FOUND", "the directory cannot be read; check the path and its permissions.", {
      file: directory,
      cause,
    });
  }
}
