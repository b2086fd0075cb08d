import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { listDatasets } from "@mulde/datasets";
import { fileError } from "@mulde/errors";
import { type Experiment, parseExperiment } from "@mulde/mulde-trainer";
import { isMap, LineCounter, parseDocument } from "yaml";
import { MuldeError } from "./_errors.js";
import { exists } from "./_files.js";
import { placeOf } from "./_yaml-place.js";

/**
 * An experiment from the text of a YAML file. Sections may share options by anchors and merge keys (`<<: *other`).
 *
 * @param file - Named in errors.
 * @throws MuldeError CLI_YAML if the text is no YAML, TRAINER_OPTION with the field, both with file and line
 */
export function readExperiment(text: string, file: string): Experiment {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new MuldeError("CLI_YAML", `this is not YAML: ${error.message} (column ${col}).`, {
      file,
      line,
      cause: error,
    });
  }
  let input: unknown;
  try {
    input = document.toJS();
  } catch (cause) {
    throw new MuldeError("CLI_YAML", `this is not YAML: ${(cause as Error).message}.`, { file, cause });
  }
  try {
    return parseExperiment(input, file);
  } catch (cause) {
    throw placeOf(cause, file, document, lines);
  }
}

/** The experiment of a YAML file with its text; `seed` replaces its own. */
export async function openExperiment(
  file: string,
  seed: number | undefined,
): Promise<{ readonly text: string; readonly experiment: Experiment }> {
  const written = await readFile(file, "utf8").catch((cause: unknown) => {
    throw fileError("CLI_FILE", "read", file, cause);
  });
  const text = seed === undefined ? written : withSeed(written, seed);
  return { text, experiment: beside(file, readExperiment(text, file)) };
}

/** The text of an experiment with another seed. Text that is no experiment stays as it is, for `readExperiment` to say so. */
function withSeed(text: string, seed: number): string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return text;
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
