import { basename, resolve } from "node:path";
import { z } from "zod";
import { MuldeError } from "@mulde/errors";
import { type DistilOptions, distilSchema, parseOptions, type TrainOptions, trainSchema } from "./options.js";

// Sections hold options of the schemas above; `parseOptions` checks them once the defaults are merged in.
const section = z.record(z.string(), z.unknown());

const names = z.array(z.string()).min(1).optional();

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
    .array(section.and(z.object({ name: name.optional(), from: z.string().optional(), teachers: names })))
    .min(1)
    .describe(
      "training options of each teacher, or from: the directory of a trained model; and its name unless that is the model's or the directory's; teachers: names of teachers before it that teach it, and then its options are a Junior's",
    ),
  junior: section
    .and(z.object({ teachers: names }))
    .describe("distillation options of the Junior; teachers: names of those that teach it, all unless given"),
  undistilled: z
    .union([z.boolean(), section])
    .default(true)
    .describe(
      "train the same Junior without teachers too; options that differ from the Junior's, which hold for the twins of variants as well",
    ),
  variants: z
    .record(name, section.and(z.object({ teachers: names, undistilled: z.boolean().optional() })))
    .default({})
    .describe(
      "more Juniors, by name, such as ablations: options that differ from the Junior's; teachers: names of those that teach it, the Junior's unless given; undistilled: true for a twin of its own",
    ),
});

/** A model to be distilled. */
export interface DistilPlan {
  readonly name: string;
  readonly options: DistilOptions;
  /** positions of its teachers among the experiment's */
  readonly teachers: readonly number[];
}

/**
 * A teacher with its name: to be trained, with complete options, to be distilled from teachers before it, or trained already, in a directory.
 */
export type TeacherPlan =
  | { readonly name: string; readonly options: TrainOptions; readonly teachers?: undefined; readonly from?: undefined }
  | (DistilPlan & { readonly from?: undefined })
  | { readonly name: string; readonly from: string; readonly options?: undefined; readonly teachers?: undefined };

/** A Junior to be distilled, with its twin unless there is none. */
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

/** What a Junior's twin is called. */
export function twinName({ name: junior }: Pick<JuniorPlan, "name">): string {
  return junior === "distilled" ? "undistilled" : `${junior}-undistilled`;
}

/** The models of an experiment in the order in which they are trained; each has a directory of its name. */
export function stageNames({ teachers, undistilled, variants }: Experiment): string[] {
  const juniors = [{ name: "distilled", undistilled }, ...variants];
  return [
    ...teachers.map((teacher) => teacher.name),
    ...juniors.flatMap((plan) => [...(plan.undistilled ? [twinName(plan)] : []), plan.name]),
  ];
}

/**
 * Checks an experiment and fills in its options: `defaults` under each section, and the Junior's options under `undistilled`
 * and variants, so that all have the same budget unless they say otherwise.
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
    variants,
  } = parseOptions(experimentSchema, input, where);
  // The other stages' directories and the Senior's row.
  const used = new Set(["undistilled", "distilled", "senior"]);
  const named = (wanted: string): string => {
    let unique = wanted;
    for (let n = 2; used.has(unique); n++) unique = `${wanted}-${n}`;
    used.add(unique);
    return unique;
  };
  const plans: TeacherPlan[] = [];
  for (const [i, { name: given, from, teachers: own, ...options }] of teachers.entries()) {
    const place = `${where}, teachers.${i}`;
    const seeded = { seed: seed + 1 + i };
    if (from !== undefined) {
      const superfluous = own ? "teachers" : Object.keys(options)[0];
      if (superfluous !== undefined) {
        throw new MuldeError(
          "TRAINER_OPTION",
          `${place}, ${superfluous}: a teacher from a directory has no options; leave it out.`,
        );
      }
      plans.push({ name: named(given ?? basename(resolve(from))), from });
    } else if (own) {
      const parsed = parseOptions(distilSchema, { ...seeded, ...defaults, ...options }, place);
      plans.push({ name: named(given ?? parsed.model), options: parsed, teachers: positions(plans, own, place) });
    } else {
      const parsed = parseOptions(trainSchema, { ...seeded, ...forTraining(defaults), ...options }, place);
      plans.push({ name: named(given ?? parsed.model), options: parsed });
    }
  }
  const { teachers: ofJunior, ...juniorOptions } = junior;
  const juniorPlace = `${where}, junior`;
  const distilled = parseOptions(distilSchema, { seed, ...defaults, ...juniorOptions }, juniorPlace);
  const juniorTeachers = ofJunior ? positions(plans, ofJunior, juniorPlace) : [...plans.keys()];
  // A twin minimises what its Junior does, less the soft labels.
  const twin = (variant: Readonly<Record<string, unknown>>, place: string): TrainOptions => {
    const own = typeof undistilled === "boolean" ? {} : undistilled;
    return parseOptions(
      trainSchema,
      { seed, ...forTraining({ ...defaults, ...juniorOptions, ...variant }), ...own },
      place,
    );
  };
  return {
    name: title,
    data,
    seed,
    teachers: plans,
    undistilled: undistilled === false ? undefined : twin({}, `${where}, undistilled`),
    junior: distilled,
    juniorTeachers,
    variants: Object.entries(variants).map(([variant, { teachers: wanted, undistilled: twinned, ...changed }]) => {
      const place = `${where}, variants.${variant}`;
      const plan = {
        name: variant,
        options: parseOptions(distilSchema, { seed, ...defaults, ...juniorOptions, ...changed }, place),
        undistilled: twinned ? twin(changed, place) : undefined,
        teachers: wanted ? positions(plans, wanted, place) : juniorTeachers,
      };
      const own = twinned ? [variant, twinName(plan)] : [variant];
      const taken = own.find((wanted) => named(wanted) !== wanted);
      if (taken === undefined) return plan;
      throw new MuldeError(
        "TRAINER_OPTION",
        `${place}: another model of the experiment is called "${taken}"; choose another name.`,
      );
    }),
  };
}

/** Where the teachers of these names stand among those so far. */
function positions(plans: readonly TeacherPlan[], wanted: readonly string[], place: string): number[] {
  return wanted.map((teacher) => {
    const found = plans.findIndex((plan) => plan.name === teacher);
    if (found >= 0) return found;
    const names = plans.map((plan) => plan.name).join(", ");
    const advice = names === "" ? "the first teacher has none to learn from, leave it out" : `choose from ${names}`;
    throw new MuldeError("TRAINER_OPTION", `${place}, teachers: there is no "${teacher}" before it; ${advice}.`);
  });
}

/** Leaves out what only distillation knows, so that `defaults` and the Junior's options serve both. */
function forTraining(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([key]) => !(key in distilSchema.shape) || key in trainSchema.shape),
  );
}
