import { MuldeError } from "@mulde/errors";
import { z } from "zod";
import { checkConfig, type ModelConfig } from "../config.js";
import { oddity } from "./_json.js";
import type { Digests } from "./whole-file.js";

/** Raised whenever an earlier version of this package could no longer read what this one writes. */
const formatVersion = 1;

// What `training` holds is nested, but not for itself.
const maxDepth = 64;

// A model's name is a word, and a file's name is one of ours.
const name = z.string().max(200);

const digestSchema = z.object({
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits"),
});

const digestsSchema = z.record(name, digestSchema);

const configSchema = z.object({
  format: z.literal(formatVersion),
  model: name,
  dim: z.number().int().positive(),
  entities: z.number().int().positive(),
  relations: z.number().int().positive(),
  curvature: z.enum(["shared", "relation"]),
  dataset: z.object({ name: z.string(), fingerprint: z.string() }).optional(),
  training: z.record(z.string(), z.unknown()).optional(),
  files: digestsSchema.optional(),
});

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
  const result = configSchema.safeParse(parsed);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw new MuldeError("MODELS_FILE", `${message}.`, { file, path: path.map(String) });
  }
  const { model, dim, entities, relations, curvature, dataset, training, files } = result.data;
  const config = { model, dim, entities, relations, curvature };
  try {
    checkConfig(config);
  } catch (error) {
    throw error instanceof MuldeError ? error.at({ file }) : error;
  }
  return { config, ...(dataset && { dataset }), ...(training && { training }), ...(files && { files }) };
}

/** What a `config.json` says of the other files, of whatever model and version it is; nothing if it cannot be understood. */
export function digestsIn(text: string): Digests {
  try {
    if (oddity(text, maxDepth) !== undefined) return {};
    const { files } = JSON.parse(text) as { files?: unknown };
    return digestsSchema.parse(files);
  } catch {
    return {};
  }
}
