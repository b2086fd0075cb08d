import { basename, resolve } from "node:path";
import { z } from "zod";
import { MuldeError } from "./error.js";
import { type DistilOptions, distilSchema, parseOptions, type TrainOptions, trainSchema } from "./options.js";

// Sections hold options of the schemas above; `parseOptions` checks them once the defaults are merged in.
const section = z.record(z.string(), z.unknown());

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "must be letters, digits, _, . or -, as it names a directory");

/** A whole experiment: teachers, an undistilled and a distilled Junior. What a YAML file holds. */
export const experimentSchema = z.strictObject({
  name: name.default("experiment").describe("names the experiment in reports"),
  data: z.string().describe("name of a data set, or path of a directory or archive"),
  seed: z.number().int().min(0).default(0).describe("every model's seed is made from it"),
  defaults: section.default({}).describe("options for every model of the experiment"),
  teachers: z
    .array(section.and(z.object({ name: name.optional(), from: z.string().optional() })))
    .min(1)
    .describe(
      "training options of each teacher, or from: the directory of a trained model; and its name unless that is the model's or the directory's",
    ),
  junior: section.describe("distillation options of the Junior"),
  undistilled: z
    .union([z.boolean(), section])
    .default(true)
    .describe("train the same Junior without teachers too; options that differ from the Junior's"),
});

/** A teacher with its name: to be trained, with complete options, or trained already, in a directory. */
export type TeacherPlan = { readonly name: string } & (
  | { readonly options: TrainOptions; readonly from?: undefined }
  | { readonly from: string; readonly options?: undefined }
);

/** An experiment with every option filled in. */
export interface Experiment {
  readonly name: string;
  readonly data: string;
  readonly seed: number;
  readonly teachers: readonly TeacherPlan[];
  readonly undistilled: TrainOptions | undefined;
  readonly junior: DistilOptions;
}

/**
 * Checks an experiment and fills in its options: `defaults` under each section, and the Junior's options under `undistilled`, so
 * that both have the same budget.
 *
 * @param where - Named in errors, such as the file.
 * @throws MuldeError TRAINER_OPTION naming the field
 */
export function parseExperiment(input: unknown, where: string): Experiment {
  const {
    name: title,
    data,
    seed,
    defaults,
    teachers,
    junior,
    undistilled,
  } = parseOptions(experimentSchema, input, where);
  // The other stages' directories and the Senior's row.
  const used = new Set(["undistilled", "distilled", "senior"]);
  const named = (wanted: string): string => {
    let unique = wanted;
    for (let n = 2; used.has(unique); n++) unique = `${wanted}-${n}`;
    used.add(unique);
    return unique;
  };
  const plans = teachers.map(({ name: given, from, ...options }, i): TeacherPlan => {
    const place = `${where}, teachers.${i}`;
    if (from !== undefined) {
      const [superfluous] = Object.keys(options);
      if (superfluous === undefined) return { name: named(given ?? basename(resolve(from))), from };
      throw new MuldeError(
        "TRAINER_OPTION",
        `${place}, ${superfluous}: a teacher from a directory has no options; leave it out.`,
      );
    }
    const parsed = parseOptions(trainSchema, { seed: seed + 1 + i, ...forTraining(defaults), ...options }, place);
    return { name: named(given ?? parsed.model), options: parsed };
  });
  const distilled = parseOptions(distilSchema, { seed, ...defaults, ...junior }, `${where}, junior`);
  const twin =
    undistilled === false
      ? undefined
      : parseOptions(
          trainSchema,
          // The twin minimises what the Junior does, less the soft labels.
          { seed, ...forTraining({ ...defaults, ...junior }), ...(undistilled === true ? {} : undistilled) },
          `${where}, undistilled`,
        );
  return { name: title, data, seed, teachers: plans, undistilled: twin, junior: distilled };
}

/** Leaves out what only distillation knows, so that `defaults` and the Junior's options serve both. */
function forTraining(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([key]) => !(key in distilSchema.shape) || key in trainSchema.shape),
  );
}
