import { basename, resolve } from "node:path";
import { MuldeError } from "@mulde/errors";
import { z } from "zod";
import { anySchema, type DistilOptions, distilSchema, type TrainOptions, trainSchema } from "../run/options.js";
import { parseOptions } from "../run/parse.js";
import { merged } from "../run/shorthand.js";

// Sections hold options of the schemas above; `parseOptions` checks them once the defaults are merged in.
const section = z.record(z.string(), z.unknown());

const names = z.array(z.string()).min(1).optional();

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "must be letters, digits, _, . or -, as it names a directory");

/** A whole experiment: teachers, an undistilled and a distilled Junior. What a YAML file holds. */
export const experimentSchema = z.strictObject({
  name: name.default("experiment").describe("name of the experiment in reports"),
  data: z
    .string()
    .min(1, "must name a data set, a directory or an archive")
    .describe("name of a data set, or path of a directory or archive"),
  // Less than the greatest whole number, since each teacher adds its place.
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 52)
    .default(0)
    .describe("every model's seed is made from it"),
  defaults: section.default({}).describe("options for every model of the experiment"),
  teachers: z
    .array(section.and(z.object({ name: name.optional(), from: z.string().optional(), teachers: names })))
    .min(1)
    .describe(
      "options of each teacher, with a name unless that is the model's. `from`: the directory of a trained model, in place of options. " +
        "`teachers`: names of earlier teachers that teach it; it then takes a Junior's options",
    ),
  junior: section
    .and(z.object({ teachers: names }))
    .describe("options of the Junior. `teachers`: names of those that teach it; all unless given"),
  undistilled: z
    .union([z.boolean(), section])
    .default(true)
    .describe(
      "train the Junior's twin without teachers too: true, false, or options that differ from the Junior's (and its variants')",
    ),
  variants: z
    .record(name, section.and(z.object({ teachers: names, undistilled: z.boolean().optional() })))
    .default({})
    .describe(
      "more Juniors by name, such as ablations: options that differ from the Junior's. `teachers`: as there; " +
        "`undistilled: true` trains a twin too",
    ),
});

/** A model to be distilled. */
export interface DistilPlan {
  readonly name: string;
  readonly options: DistilOptions;
  /** positions of its teachers among the experiment's */
  readonly teachers: readonly number[];
}

/** A teacher with its name: to train, to distil from earlier teachers, or trained already in a directory. */
export type TeacherPlan =
  | { readonly name: string; readonly options: TrainOptions; readonly teachers?: undefined; readonly from?: undefined }
  | (DistilPlan & { readonly from?: undefined })
  | { readonly name: string; readonly from: string; readonly options?: undefined; readonly teachers?: undefined };

/** A Junior to distil, with its twin unless there is none. */
export interface JuniorPlan extends DistilPlan {
  readonly undistilled: TrainOptions | undefined;
}

/** An experiment with every option filled in. */
export interface Experiment {
  readonly name: string;
  readonly data: string;
  readonly seed: number;
  readonly teachers: readonly TeacherPlan[];
  readonly undistilled: TrainOptions | undefined;
  readonly junior: DistilOptions;
  /** positions of the Junior's teachers */
  readonly juniorTeachers: readonly number[];
  readonly variants: readonly JuniorPlan[];
}

/** The name of a Junior's twin. */
export function twinName({ name: junior }: Pick<JuniorPlan, "name">): string {
  return junior === "distilled" ? "undistilled" : `${junior}-undistilled`;
}

/** The models of an experiment in the order of their training; each has a directory of its name. */
export function stageNames({ teachers, undistilled, variants }: Experiment): string[] {
  const juniors = [{ name: "distilled", undistilled }, ...variants];
  return [
    ...teachers.map((teacher) => teacher.name),
    ...juniors.flatMap((plan) => [...(plan.undistilled ? [twinName(plan)] : []), plan.name]),
  ];
}

/**
 * Checks an experiment and fills in its options: `defaults` below each section, and the Junior's options below `undistilled` and the variants, so that
 * all have the same budget unless they say otherwise. Nouns merge field by field.
 *
 * @param file - Named in errors.
 * @throws MuldeError TRAINER_OPTION with the path of the field
 */
export function parseExperiment(input: unknown, file?: string): Experiment {
  return new ExperimentParser(file).parse(input);
}

class ExperimentParser {
  readonly #file: string | undefined;
  // The other stages' directories and the Senior's row.
  readonly #used = new Set(["undistilled", "distilled", "senior"]);
  readonly #teachers: TeacherPlan[] = [];

  constructor(file: string | undefined) {
    this.#file = file;
  }

  parse(input: unknown): Experiment {
    const whole = parseOptions(experimentSchema, input, { file: this.#file });
    const { name: title, data, seed, defaults, undistilled } = whole;
    // Each by itself: what one section takes from them may not go together in another.
    parseOptions(anySchema, defaults, { file: this.#file, path: ["defaults"] });
    for (const [i, given] of whole.teachers.entries()) this.#teachers.push(this.#teacher(given, i, seed, defaults));
    const { teachers: ofJunior, ...own } = whole.junior;
    const base = merged(merged({ seed }, defaults), own);
    const junior = this.#distilOptions(base, ["junior"]);
    const juniorTeachers = ofJunior ? this.#positions(ofJunior, ["junior"]) : [...this.#teachers.keys()];
    // A twin minimises what its Junior does, less the soft labels.
    const twin = (variant: unknown, path: readonly string[]): TrainOptions => {
      const changed = typeof undistilled === "boolean" ? {} : undistilled;
      return this.#trainOptions(merged(forTraining(merged(base, variant)), changed), path);
    };
    const variants = Object.entries(whole.variants).map(
      ([name, { teachers: wanted, undistilled: twinned, ...changed }]) => {
        const path = ["variants", name];
        const plan = {
          name,
          options: this.#distilOptions(merged(base, changed), path),
          undistilled: twinned ? twin(changed, path) : undefined,
          teachers: wanted ? this.#positions(wanted, path) : juniorTeachers,
        };
        for (const wantedName of twinned ? [name, twinName(plan)] : [name]) {
          if (this.#named(wantedName) === wantedName) continue;
          throw this.#refuse(`another model of the experiment is called "${wantedName}"; choose another name.`, path);
        }
        return plan;
      },
    );
    return {
      name: title,
      data,
      seed,
      teachers: this.#teachers,
      undistilled: undistilled === false ? undefined : twin({}, ["undistilled"]),
      junior,
      juniorTeachers,
      variants,
    };
  }

  #teacher(
    given: z.output<typeof experimentSchema>["teachers"][number],
    i: number,
    seed: number,
    defaults: unknown,
  ): TeacherPlan {
    const { name, from, teachers: own, ...options } = given;
    const path = ["teachers", i];
    if (from !== undefined) {
      const superfluous = own ? "teachers" : Object.keys(options)[0];
      if (superfluous !== undefined) {
        throw this.#refuse("a teacher from a directory has no options; leave it out.", [...path, superfluous]);
      }
      return { name: this.#named(name ?? basename(resolve(from))), from };
    }
    const seeded = { seed: seed + 1 + i };
    if (own) {
      const parsed = this.#distilOptions(merged(merged(seeded, defaults), options), path);
      return { name: this.#named(name ?? parsed.model.name), options: parsed, teachers: this.#positions(own, path) };
    }
    // What only distillation knows may stand in `defaults`, but not here.
    const parsed = this.#trainOptions(merged(merged(seeded, forTraining(defaults)), options), path);
    return { name: this.#named(name ?? parsed.model.name), options: parsed };
  }

  #distilOptions(options: unknown, path: readonly (string | number)[]): DistilOptions {
    return parseOptions(distilSchema, options, { file: this.#file, path });
  }

  #trainOptions(options: unknown, path: readonly (string | number)[]): TrainOptions {
    return parseOptions(trainSchema, options, { file: this.#file, path });
  }

  /** A name that no other model has: the one wanted, or with a number behind it. */
  #named(wanted: string): string {
    let unique = wanted;
    for (let n = 2; this.#used.has(unique); n++) unique = `${wanted}-${n}`;
    this.#used.add(unique);
    return unique;
  }

  /** Where the teachers of these names stand among those so far. */
  #positions(wanted: readonly string[], path: readonly (string | number)[]): number[] {
    return wanted.map((teacher) => {
      const found = this.#teachers.findIndex((plan) => plan.name === teacher);
      if (found >= 0) return found;
      const known = this.#teachers.map((plan) => plan.name).join(", ");
      const advice = known === "" ? "the first teacher has none to learn from, leave it out" : `choose from ${known}`;
      throw this.#refuse(`there is no "${teacher}" before it; ${advice}.`, [...path, "teachers"]);
    });
  }

  #refuse(reason: string, path: readonly (string | number)[]): MuldeError {
    return new MuldeError("TRAINER_OPTION", reason, { file: this.#file, path });
  }
}

/** Leaves out what only distillation knows, so that `defaults` and the Junior's options serve both. */
function forTraining(options: unknown): unknown {
  if (typeof options !== "object" || options === null) return options;
  return Object.fromEntries(
    Object.entries(options).filter(([key]) => !(key in distilSchema.shape) || key in trainSchema.shape),
  );
}
