import { hasCode, MuldeError } from "@mulde/errors";
import { checkConfig, type ModelConfig, modelDefinition } from "@mulde/kge-models";
import { type Loss, overAllEntities } from "../facts/losses.js";

/** What the rules look at; `soft` and `senior` are distillation's alone. */
interface Options {
  readonly model: { readonly name: string; readonly dim: number; readonly curvature: "shared" | "relation" };
  readonly loss: { readonly name: Loss };
  readonly negatives: { readonly bothEnds: number };
  readonly regularizer: { readonly name: string };
  readonly soft?:
    | {
        readonly candidates: { readonly source: string; readonly known: boolean };
        readonly queries: number;
        readonly confidence: number;
      }
    | undefined;
  readonly senior?: { readonly scaling: string } | undefined;
}

/** An option that does not go with another one. */
export interface Clash {
  readonly path: readonly string[];
  /** what is wrong and what to do */
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
export function checkOptions(options: Options, { model: name, dim, curvature }: ModelConfig): void {
  const clash = clashOf({ ...options, model: { name, dim, curvature } });
  if (clash) throw new MuldeError("TRAINER_OPTION", clash.reason, { path: clash.path });
}

function modelClash({ model, regularizer }: Options): Clash | undefined {
  const { name, dim, curvature } = model;
  try {
    checkConfig({ model: name, dim, curvature, entities: 1, relations: 1 });
  } catch (refused) {
    if (!hasCode(refused, "MODELS_UNKNOWN_MODEL", "MODELS_CONFIG")) throw refused;
    return { path: ["model", refused.code === "MODELS_UNKNOWN_MODEL" ? "name" : "dim"], reason: refused.reason };
  }
  if (regularizer.name !== "DURA" || modelDefinition(name).similarity !== "hyperbolic") return undefined;
  return {
    path: ["regularizer", "name"],
    reason: `DURA needs a dot product or a Euclidean distance, but ${name} is hyperbolic; choose N3 or F2.`,
  };
}

function lossClash({ loss: { name: loss }, negatives, soft }: Options): Clash | undefined {
  if (negatives.bothEnds > 0 && loss !== "bce") {
    return {
      path: ["negatives", "bothEnds"],
      reason: `these rows have no true answer, which ${loss} needs; leave bothEnds out, or choose the loss bce.`,
    };
  }
  if (!soft || !overAllEntities(loss)) return undefined;
  const sampledOnly = `it needs sampled candidates, but the loss is ${loss}`;
  if (soft.candidates.source === "sampled") {
    return { path: ["soft", "candidates", "source"], reason: `${sampledOnly}; choose junior, random or all.` };
  }
  const field = soft.queries > 0 ? "queries" : soft.confidence > 0 ? "confidence" : undefined;
  if (field === undefined) return undefined;
  return {
    path: ["soft", field],
    reason: `${sampledOnly}; leave it out, or choose the loss bce, crossEntropy or margin.`,
  };
}

function candidatesClash({ soft, senior }: Options): Clash | undefined {
  if (!soft) return undefined;
  const { source, known } = soft.candidates;
  if (source !== "junior" && (soft.queries > 0 || !known)) {
    return {
      path: soft.queries > 0 ? ["soft", "queries"] : ["soft", "candidates", "known"],
      reason: `it needs the Junior's top K as candidates, but soft.candidates.source is ${source}; choose junior.`,
    };
  }
  if (known || !senior || senior.scaling === "none") return undefined;
  return {
    path: ["soft", "candidates", "known"],
    reason: `without true answers among the candidates the Senior cannot learn its scaling; choose senior.scaling none.`,
  };
}
