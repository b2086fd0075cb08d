import { checkConfig, type ModelConfig, modelDefinition } from "@mulde/kge-models";
import { MuldeError } from "@mulde/errors";
import { type Loss, overAllEntities } from "./losses.js";

/** What the rules look at; the last five are distillation's alone. */
interface Options extends Pick<ModelConfig, "model" | "dim" | "curvature"> {
  readonly loss: Loss;
  readonly doubleNegatives: number;
  readonly regularizer: string;
  readonly candidates?: string;
  readonly filterCandidates?: boolean;
  readonly scaling?: string;
  readonly unseenQueries?: number;
  readonly confidence?: number;
}

/** An option that does not go with another one. */
export interface Clash {
  readonly field: keyof Options;
  /** what is wrong and what to do, without a full stop */
  readonly reason: string;
}

/** The first clash among options that are each in range. */
export function clashOf(options: Options): Clash | undefined {
  return modelClash(options) ?? lossClash(options) ?? candidatesClash(options);
}

/**
 * Refuses options that do not suit a model, which need not be the one that they name: a teacher that adapts has the Junior's.
 *
 * @throws MuldeError TRAINER_OPTION
 */
export function checkOptions(options: Options, { model, dim, curvature }: ModelConfig): void {
  const clash = clashOf({ ...options, model, dim, curvature });
  if (clash) throw new MuldeError("TRAINER_OPTION", `${clash.field}: ${clash.reason}.`);
}

function modelClash({ model, dim, curvature, regularizer }: Options): Clash | undefined {
  try {
    checkConfig({ model, dim, curvature, entities: 1, relations: 1 });
  } catch (refused) {
    if (!(refused instanceof MuldeError)) throw refused;
    const field = refused.code === "MODELS_UNKNOWN_MODEL" ? "model" : "dim";
    return { field, reason: refused.message.replace(/\.$/, "") };
  }
  if (regularizer !== "DURA" || modelDefinition(model).similarity !== "hyperbolic") return undefined;
  return {
    field: "regularizer",
    reason: `DURA is for dot products and Euclidean distances, but ${model} is hyperbolic; choose N3 or F2`,
  };
}

function lossClash({
  loss,
  doubleNegatives,
  candidates,
  unseenQueries = 0,
  confidence = 0,
}: Options): Clash | undefined {
  if (doubleNegatives > 0 && loss !== "bce") {
    return {
      field: "doubleNegatives",
      reason: `these have rows without a true answer, which ${loss} cannot do without; leave them out, or choose loss bce`,
    };
  }
  if (!overAllEntities({ loss })) return undefined;
  if (candidates === "sampled") {
    return {
      field: "candidates",
      reason: `sampled ones need a loss over sampled candidates, but loss is ${loss}; choose junior, random or all`,
    };
  }
  const sampledOnly = "leave it out, or choose loss bce, crossEntropy or margin";
  if (unseenQueries > 0) {
    return {
      field: "unseenQueries",
      reason: `these go with losses over sampled candidates, but loss is ${loss}; ${sampledOnly}`,
    };
  }
  if (confidence === 0) return undefined;
  return { field: "confidence", reason: `it weighs sampled hard labels, but loss is ${loss}; ${sampledOnly}` };
}

function candidatesClash({
  unseenQueries = 0,
  filterCandidates = false,
  scaling = "none",
  candidates,
}: Options): Clash | undefined {
  if (candidates !== "junior" && (unseenQueries > 0 || filterCandidates)) {
    return {
      field: unseenQueries > 0 ? "unseenQueries" : "filterCandidates",
      reason: `it goes with the Junior's best as candidates, but candidates is ${candidates}; choose junior`,
    };
  }
  if (!filterCandidates || scaling === "none") return undefined;
  return {
    field: "filterCandidates",
    reason: `without true answers among the candidates nothing tells the Senior how to scale, but scaling is ${scaling}; choose none`,
  };
}
