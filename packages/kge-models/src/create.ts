import { MuldeError } from "@mulde/errors";
import { type Kernels, Random } from "@mulde/kernels";
import { inverseSoftplus } from "./_softplus.js";
import { checkConfig, type ModelConfig } from "./config.js";
import { KgeModel } from "./model.js";
import { modelDefinition } from "./models/registry.js";
import { sharedKernels } from "./shared-kernels.js";
import { fusedEncoder } from "./training/_fused-encoder.js";

/** Options of `createModel`. */
export interface CreateModelOptions extends Omit<ModelConfig, "curvature"> {
  readonly curvature?: ModelConfig["curvature"];
  /** Initial c; softplus(1) = 1.313 as in the paper unless given. A small value starts nearly Euclidean. */
  readonly initialCurvature?: number;
  /** Seed of the initial values; 0 unless given. */
  readonly seed?: number;
  readonly kernels?: Kernels;
}

// Both reference implementations start from 1e-3 N(0, 1).
const defaultScale = 1e-3;
// softplus(1): the paper's initial curvature.
const initialCurvature = Math.log1p(Math.E);

/**
 * A model with random initial values.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL; MODELS_CONFIG with the field that is out of range as its path; MODELS_DEFINITION if the encoder
 *   of a definition of your own does not do what it must (checked once for each dimension)
 */
export async function createModel(options: CreateModelOptions): Promise<KgeModel> {
  if (typeof (options as unknown) !== "object" || (options as unknown) === null) {
    throw new MuldeError("MODELS_CONFIG", "must be an object with model, dim, entities and relations.", {
      path: ["config"],
      value: options,
    });
  }
  const { kernels, seed = 0, initialCurvature: c = initialCurvature, curvature = "shared", ...rest } = options;
  if (!(c > 0 && Number.isFinite(c))) {
    throw new MuldeError("MODELS_CONFIG", `must be a positive number, but is ${c}.`, {
      path: ["initialCurvature"],
      value: c,
    });
  }
  const model = await emptyModel({ ...rest, curvature }, kernels);
  const random = new Random(seed);
  const { initialScale = defaultScale } = model.definition;
  for (const { name, data } of model.tables.values()) {
    if (name === "headBias" || name === "tailBias") continue;
    if (name === "curvature") data.fill(inverseSoftplus(c));
    else if (model.definition.tables[name]?.init === "uniform") {
      for (let i = 0; i < data.length; i++) data[i] = 2 * random.uniform() - 1;
    } else {
      for (let i = 0; i < data.length; i++) data[i] = initialScale * random.normal();
    }
  }
  return model;
}

/** A model whose parameters are zero, for the caller to fill. */
export async function emptyModel(config: ModelConfig, kernels?: Kernels): Promise<KgeModel> {
  checkConfig(config);
  const definition = modelDefinition(config.model);
  const engine = kernels ?? (await sharedKernels());
  if (definition.fused !== undefined) return new KgeModel(config, engine, fusedEncoder);
  // Apart, so that a page which asks a built-in model does not load it.
  const { unfusedEncoder } = await import("./training/_unfused-encoder.js");
  return new KgeModel(config, engine, await unfusedEncoder(definition, config.dim));
}
