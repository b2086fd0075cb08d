import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { listDatasets } from "@mulde/datasets";
import { fileError } from "@mulde/errors";
import { type Experiment, parseExperiment } from "@mulde/mulde-trainer";
import { isMap } from "yaml";
import { MuldeError } from "./_errors.js";
import { exists } from "./_files.js";
import { size } from "./_table.js";
import { parseYaml, type Yaml } from "./_yaml.js";
import { placeOf } from "./_yaml-place.js";

/**
 * An experiment from the text of a YAML file. Sections may share options by anchors and merge keys (`<<: *other`).
 *
 * @param file - Named in errors.
 * @throws MuldeError CLI_YAML if the text is no YAML that can be used, TRAINER_OPTION with the field, both with file and line
 */
export function readExperiment(text: string, file: string): Experiment {
  const { value, document, lines } = yamlOf(text, file);
  try {
    return parseExperiment(value, file);
  } catch (cause) {
    throw placeOf(cause, file, document, lines);
  }
}

function yamlOf(text: string, file: string): Yaml {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw cause instanceof MuldeError ? cause.at({ file }) : cause;
  }
}

/** The experiment of a YAML file with its text; `seed` replaces its own. */
export async function openExperiment(
  file: string,
  seed: number | undefined,
): Promise<{ readonly text: string; readonly experiment: Experiment }> {
  const written = await readText(file);
  const text = seed === undefined ? written : withSeed(written, file, seed);
  return { text, experiment: beside(file, readExperiment(text, file)) };
}

// A thousand times as much as an experiment has.
const largest = 1 << 20;

async function readText(file: string): Promise<string> {
  const bytes = await readRegular(file).catch((cause: unknown) => {
    throw cause instanceof MuldeError ? cause : fileError("CLI_FILE", "read", file, cause);
  });
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const line =
    bytes
      .toString("latin1")
      .split("\n")
      .findIndex((text) => !isUtf8(Buffer.from(text, "latin1"))) + 1;
  throw new MuldeError("CLI_YAML", "the line has bytes that are not UTF-8; save the file as UTF-8.", { file, line });
}

async function readRegular(file: string): Promise<Buffer> {
  // Asked first: to open a pipe would wait for its other end, and a device need not end.
  const stats = await stat(file);
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new MuldeError("CLI_FILE", "this is a device or a pipe, not a file; check the path.", { file });
  }
  if (stats.size > largest) {
    throw new MuldeError("CLI_YAML", `the file has ${size(stats.size)}, too much for an experiment; check the path.`, {
      file,
    });
  }
  return readFile(file);
}

/** The text of an experiment with another seed. Text that is no map stays as it is, for `parseExperiment` to say so. */
function withSeed(text: string, file: string, seed: number): string {
  const { document } = yamlOf(text, file);
  if (!isMap(document.contents)) return text;
  document.set("seed", seed);
  return document.toString({ lineWidth: 0 });
}

/** Paths of teachers as they are from the YAML file's directory. */
function beside(file: string, experiment: Experiment): Experiment {
  const teachers = experiment.teachers.map((teacher) =>
    teacher.from === undefined ? teacher : { ...teacher, from: resolve(dirname(file), teacher.from) },
  );
  return { ...experiment, teachers };
}

/** A name of the registry, or a path: from the YAML file's directory if it is there, else from the working directory. */
export async function dataPath(data: string, file: string): Promise<string> {
  if (listDatasets().some(({ name }) => name.toLowerCase() === data.toLowerCase())) return data;
  const path = resolve(dirname(file), data);
  return (await exists(path)) ? path : data;
}
