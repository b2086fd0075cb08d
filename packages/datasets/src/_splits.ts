import { MuldeError } from "@mulde/errors";
import type { Source } from "./_source.js";

const SPLITS = ["train", "valid", "test"] as const;
type Split = (typeof SPLITS)[number];

/** A directory, or an archive seen as one. Paths are relative, with slashes. */
export interface Folder {
  /** What errors call it. */
  readonly name: string;
  /** The names of what is in it, or in one of its own directories. */
  list(below?: string): Promise<Listing>;
  /** A file in it. */
  source(path: string): Source;
}

/** The names in a folder, sorted. */
interface Listing {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/** The files of a data set: three files of named triples, or OpenKE's five of ids. */
export type Splits =
  | ({ readonly format: "names" } & Readonly<Record<Split, Source>>)
  | ({ readonly format: "openke"; readonly entities: Source; readonly relations: Source } & Readonly<
      Record<Split, Source>
    >);

type Paths<T> = T extends Splits ? { readonly [K in keyof T]: T[K] extends Source ? string : T[K] } : never;

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

// What Macs and old tars add beside the data; hidden directories too.
const ATTRIBUTES = /^(\.|__MACOSX$|PaxHeaders?(\.|$))/;

/**
 * Finds train, valid (or dev, validation) and test in a folder, or else in the one of its directories that has them.
 * @throws MuldeError DATA_MISSING_SPLIT or DATA_AMBIGUOUS that names what was found, and what the folder throws.
 */
export async function findSplits(folder: Folder): Promise<Splits> {
  const { files, directories } = await folder.list();
  const here = match(folder.name, files);
  if (here !== undefined) return opened(folder, "", here);
  const below: { readonly directory: string; readonly paths: Paths<Splits> }[] = [];
  for (const directory of directories) {
    if (ATTRIBUTES.test(directory)) continue;
    const paths = match(`${folder.name}/${directory}`, (await folder.list(directory)).files);
    if (paths !== undefined) below.push({ directory, paths });
  }
  if (below.length === 1) return opened(folder, `${below[0]!.directory}/`, below[0]!.paths);
  if (below.length > 1) {
    const places = below.map(({ directory, paths }) => `${directory}/${paths.train}`).join(", ");
    throw new MuldeError("DATA_AMBIGUOUS", `the directory has several data sets (${places}); pass the one to load.`, {
      file: folder.name,
    });
  }
  const missing = SPLITS.filter((split) => !files.some((file) => NAMED[split].test(file)));
  throw new MuldeError(
    "DATA_MISSING_SPLIT",
    `there is no file for ${missing.join(", ")} (such as ${missing[0]}.txt) and no train2id.txt of OpenKE; ` +
      `the directory has ${files.slice(0, 10).join(", ") || "no files"}. Split your own triples with splitTriples.`,
    { file: folder.name },
  );
}

/** The same, with sources in the place of paths. */
function opened(folder: Folder, below: string, paths: Paths<Splits>): Splits {
  const source = (path: string): Source => folder.source(below + path);
  const splits = { train: source(paths.train), valid: source(paths.valid), test: source(paths.test) };
  if (paths.format === "names") return { format: paths.format, ...splits };
  return { format: paths.format, entities: source(paths.entities), relations: source(paths.relations), ...splits };
}

function match(folder: string, files: readonly string[]): Paths<Splits> | undefined {
  const named = matchAll(folder, files, NAMED);
  if (named !== undefined) return { format: "names", ...named };
  const openke = matchAll(folder, files, OPENKE);
  return openke && { format: "openke", ...openke };
}

/** One file for each pattern; undefined if a pattern matches none. */
function matchAll<K extends string>(
  folder: string,
  files: readonly string[],
  patterns: Readonly<Record<K, RegExp>>,
): Record<K, string> | undefined {
  const found: Partial<Record<K, string>> = {};
  for (const key of Object.keys(patterns) as K[]) {
    const matches = files.filter((file) => patterns[key].test(file));
    if (matches.length === 0) return undefined;
    if (matches.length > 1) {
      throw new MuldeError("DATA_AMBIGUOUS", `the directory has ${matches.join(" and ")}; keep one of them.`, {
        file: folder,
      });
    }
    found[key] = matches[0]!;
  }
  return found as Record<K, string>;
}

function namePattern(stems: string): RegExp {
  return new RegExp(`^(${stems})(\\.(txt|tsv|csv|nt|ttl))?(\\.gz)?$`, "i");
}
