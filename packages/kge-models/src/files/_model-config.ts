import { described, MuldeError } from "@mulde/errors";
import { checkConfig, type ModelConfig } from "../config.js";
import { oddity } from "./_json.js";
import { type Digest, type Digests, type OpenFile, textOf } from "./_reading.js";

/** Raised whenever an earlier version of this package could no longer read what this one writes. */
const formatVersion = 1;

// What `training` holds is nested, but not for itself.
const maxDepth = 64;

// A model's name is a word, and a file's name is one of ours.
const maxName = 200;

// A configuration has a few kilobytes, or some megabytes with a Senior's scales. To parse more could take a gigabyte.
export const maxConfigBytes = 32 << 20;

/** What `config.json` holds. */
export interface SavedConfig {
  readonly config: ModelConfig;
  readonly dataset?: { readonly name: string; readonly fingerprint: string };
  readonly training?: Readonly<Record<string, unknown>>;
  /** What the other files of the directory are, by their names; none if the directory was written by hand or from Python. */
  readonly files?: Digests;
}

/**
 * The text of `config.json`.
 *
 * @throws MuldeError MODELS_TRAINING if `training` or `dataset` cannot be written as JSON
 */
export function encodeConfig({ config, dataset, training, files }: SavedConfig): string {
  try {
    return `${JSON.stringify({ format: formatVersion, ...config, dataset, training, files }, null, 2)}\n`;
  } catch (cause) {
    throw new MuldeError(
      "MODELS_TRAINING",
      `This cannot be written as JSON (${(cause as Error).message.split("\n")[0]}); leave it out.`,
      { path: ["training"], cause },
    );
  }
}

/**
 * Reads the text of `config.json`.
 *
 * @throws MuldeError MODELS_FILE, MODELS_CONFIG or MODELS_UNKNOWN_MODEL with the file and the field
 */
export function parseConfig(text: string, file: string): SavedConfig {
  let parsed: unknown;
  let odd: string | undefined;
  try {
    odd = oddity(text, maxDepth);
    parsed = odd === undefined ? JSON.parse(text) : undefined;
  } catch (cause) {
    throw new MuldeError("MODELS_FILE", "The file is not JSON; restore it, or save the model again.", { file, cause });
  }
  if (odd !== undefined) throw new MuldeError("MODELS_FILE", `The file ${odd}; restore it.`, { file });
  const format = typeof parsed === "object" && parsed !== null && "format" in parsed ? parsed.format : undefined;
  if (typeof format === "number" && format > formatVersion) {
    throw new MuldeError(
      "MODELS_FILE",
      `A newer version of Mulde saved this model: format ${format}, and this version reads up to ${formatVersion}. Update @mulde/kge-models.`,
      { file, path: ["format"], value: format },
    );
  }
  const { config, ...rest } = fieldsOf(parsed, (path, rule, value) => {
    const reason =
      value === undefined ? `is missing; it must be ${rule}.` : `must be ${rule}, but is ${described(value)}.`;
    return new MuldeError("MODELS_FILE", path.length > 0 ? reason : `The file ${reason}`, { file, path, value });
  });
  try {
    checkConfig(config);
  } catch (error) {
    throw error instanceof MuldeError ? error.at({ file }) : error;
  }
  return { config, ...rest };
}

type Refuse = (path: readonly string[], rule: string, value: unknown) => Error;

/** The fields that we know, if each is what it must be. */
function fieldsOf(parsed: unknown, refuse: Refuse): SavedConfig {
  if (!isObject(parsed)) throw refuse([], "a JSON object", parsed);
  const { format, model, dim, entities, relations, curvature, dataset, training, files } = parsed;
  if (format !== formatVersion) throw refuse(["format"], `the number ${formatVersion}`, format);
  if (!isName(model)) throw refuse(["model"], `a text of at most ${maxName} characters`, model);
  const sizes = { dim, entities, relations };
  for (const [field, value] of Object.entries(sizes)) {
    if (!isWhole(value, 1)) throw refuse([field], "a whole number from 1", value);
  }
  if (curvature !== "shared" && curvature !== "relation")
    throw refuse(["curvature"], '"shared" or "relation"', curvature);
  if (training !== undefined && !isObject(training)) throw refuse(["training"], "a JSON object", training);
  return {
    config: { model, ...(sizes as Record<keyof typeof sizes, number>), curvature },
    ...(dataset !== undefined && { dataset: datasetOf(dataset, refuse) }),
    ...(training !== undefined && { training }),
    ...(files !== undefined && { files: digestsOf(files, refuse) }),
  };
}

function datasetOf(dataset: unknown, refuse: Refuse): NonNullable<SavedConfig["dataset"]> {
  if (!isObject(dataset)) throw refuse(["dataset"], "a JSON object", dataset);
  const { name, fingerprint } = dataset;
  if (typeof name !== "string") throw refuse(["dataset", "name"], "a text", name);
  if (typeof fingerprint !== "string") throw refuse(["dataset", "fingerprint"], "a text", fingerprint);
  return { name, fingerprint };
}

function digestsOf(files: unknown, refuse: Refuse): Digests {
  if (!isObject(files)) throw refuse(["files"], "a JSON object", files);
  const digests = Object.entries(files).map(([name, digest]): [string, Digest] => {
    if (!isName(name)) throw refuse(["files"], `an object with names of at most ${maxName} characters`, files);
    if (!isObject(digest)) throw refuse(["files", name], "a JSON object", digest);
    const { bytes, sha256 } = digest;
    if (!isWhole(bytes, 0)) throw refuse(["files", name, "bytes"], "a whole number", bytes);
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
      throw refuse(["files", name, "sha256"], "64 hex digits", sha256);
    }
    return [name, { bytes, sha256 }];
  });
  return Object.fromEntries(digests);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxName;
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/**
 * The text of an open `config.json`, which it closes.
 *
 * @throws MuldeError MODELS_FILE if it is too long or not UTF-8
 */
export async function configText(file: OpenFile): Promise<string> {
  const { path } = file;
  try {
    if (file.size > maxConfigBytes) {
      const reason = `The file has ${file.size} bytes, too many for the configuration of a model; restore it.`;
      throw new MuldeError("MODELS_FILE", reason, { file: path });
    }
    return await textOf(file, (cause) => {
      const reason = "The file is not UTF-8; restore it, or save it as UTF-8.";
      return new MuldeError("MODELS_FILE", reason, { file: path, cause });
    });
  } finally {
    await file.close();
  }
}

/** What a `config.json` says of the other files, of whatever model and version it is; nothing if it cannot be understood. */
export function digestsIn(text: string): Digests {
  try {
    if (oddity(text, maxDepth) !== undefined) return {};
    const { files } = JSON.parse(text) as { files?: unknown };
    return digestsOf(files, (_, rule) => new Error(rule));
  } catch {
    return {};
  }
}
