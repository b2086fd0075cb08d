import { type Kernels, Random } from "@mulde/kernels";
import { tableShapes } from "./_shape.js";
import { checkConfig } from "./config.js";
import { modelDefinition, type ModelDefinition } from "./definition.js";
import { type Encoder, fusedEncoder, tfEncoder } from "./encoder.js";
import { MuldeError } from "@mulde/errors";
import { Inference, type TopK } from "./inference.js";
import { sharedKernels } from "./shared-kernels.js";
import { loadTf } from "./tf.js";

/** What decides a model's shape. Every value is kept in a saved model's `config.json`. */
export interface ModelConfig {
  /** Name of a built-in scoring function, or of one given to `defineModel`. */
  readonly model: string;
  readonly dim: number;
  /** N */
  readonly entities: number;
  /** R, without reciprocals; relation tables have 2R rows, or one that all share. */
  readonly relations: number;
  /** Hyperbolic models: one learned c for the model, as in MulDE, or one per relation, as in KGEmb. */
  readonly curvature: "shared" | "relation";
}

/** Options of `createModel`. */
export interface CreateModelOptions extends Omit<ModelConfig, "curvature"> {
  readonly curvature?: ModelConfig["curvature"];
  /** c to start from; softplus(1) = 1.313 as in the paper unless given. Small values start out nearly Euclidean. */
  readonly initialCurvature?: number;
  /** Of the initial values. */
  readonly seed?: number;
  readonly kernels?: Kernels;
}

/** One table of parameters. */
export interface ParameterTable {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  /** rows x width */
  readonly data: Float32Array;
}

/** Columns of triples. */
export interface TripleList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
  readonly length: number;
}

/** Columns of queries (h, r, ?), r in 0..2R-1. */
export interface QueryList {
  readonly heads: Int32Array;
  readonly relations: Int32Array;
}

// Initial embeddings are 1e-3 N(0, 1) where a definition does not say otherwise, as in both reference implementations.
const defaultScale = 1e-3;
// softplus(1): the paper's initial curvature.
const initialCurvature = Math.log1p(Math.E);

/**
 * A knowledge graph embedding: score(h, r, t) = similarity(q(h, r), t) + b_h(h) + b_t(t). Tables: `entity` (N x d; tangent space at the
 * origin for hyperbolic models), `headBias` and `tailBias` (N), the relation tables of its definition (2R rows, or one), and for
 * hyperbolic models `curvature` (1 or 2R values k, c = softplus(k)).
 */
export class KgeModel {
  readonly definition: ModelDefinition;
  readonly tables: ReadonlyMap<string, ParameterTable>;
  readonly encoder: Encoder;
  #version = 0;
  #inference: Inference | undefined;

  /** @internal Use `createModel` or `loadModel`. */
  constructor(
    readonly config: ModelConfig,
    readonly kernels: Kernels,
    encoderOf: (model: KgeModel) => Encoder,
  ) {
    checkConfig(config);
    this.definition = modelDefinition(config.model);
    const tables = new Map<string, ParameterTable>();
    for (const { name, rows, width } of tableShapes(config, this.definition)) {
      tables.set(name, { name, rows, width, data: kernels.engine.float32(rows * width) });
    }
    this.tables = tables;
    this.encoder = encoderOf(this);
  }

  get dim(): number {
    return this.config.dim;
  }
  get entities(): number {
    return this.config.entities;
  }
  /** R; queries use 2R relation ids. */
  get relations(): number {
    return this.config.relations;
  }
  get hyperbolic(): boolean {
    return this.definition.similarity === "hyperbolic";
  }
  /** Number of trained values. */
  get parameters(): number {
    return [...this.tables.values()].reduce((sum, { data }) => sum + data.length, 0);
  }
  /** Bytes of the trained values in float32. */
  get bytes(): number {
    return 4 * this.parameters;
  }

  /** A table by name; throws MODELS_TABLE for a name that this model does not have. */
  table(name: string): ParameterTable {
    const table = this.tables.get(name);
    if (table) return table;
    throw new MuldeError(
      "MODELS_TABLE",
      `${this.config.model} has no table "${name}"; it has ${[...this.tables.keys()].join(", ")}.`,
    );
  }

  /** The similarity kernel: entities have no fixed point in the ball when the curvature is the query's. */
  get similarity(): "dot" | "euclidean" | "hyperbolic" | "relationHyperbolic" {
    return this.hyperbolic && this.config.curvature === "relation" ? "relationHyperbolic" : this.definition.similarity;
  }

  /** c of a relation id (all the same when shared); 1 for models without curvature. */
  curvature(relation: number): number {
    const k = this.tables.get("curvature");
    if (!k) return 1;
    // As float32, like the kernels get it.
    return Math.fround(softplus(k.data[k.rows === 1 ? 0 : relation]!));
  }

  /** To be called after the parameters were changed: prepared points are made anew at the next use. */
  touch(): void {
    this.#version++;
  }
  /** Counts the calls of `touch`. */
  get version(): number {
    return this.#version;
  }

  /** The scoring side with its prepared entity points, made at first use. */
  get inference(): Inference {
    this.#inference ??= new Inference(this);
    return this.#inference;
  }

  /** One score per triple; relation ids may be reciprocal. Errors: MODELS_ID for an id out of range, MODELS_SHAPE for uneven columns. */
  score(triples: TripleList): Float32Array {
    for (const column of ["heads", "relations", "tails"] as const) {
      if (triples[column].length !== triples.length) {
        throw new MuldeError(
          "MODELS_SHAPE",
          `There are ${triples.length} triples but ${triples[column].length} ${column}.`,
        );
      }
    }
    checkIds("head", triples.heads, this.entities);
    checkIds("relation", triples.relations, 2 * this.relations);
    checkIds("tail", triples.tails, this.entities);
    const out = new Float32Array(triples.length);
    this.inference.score(triples.heads, triples.relations, triples.tails, out);
    return out;
  }

  /** Scores of all entities as tails of B queries, B x N. */
  scoreAll(queries: QueryList): Float32Array {
    this.#checkQueries(queries);
    const out = new Float32Array(queries.heads.length * this.entities);
    this.inference.scoreAll(queries.heads, queries.relations, out);
    return out;
  }

  /** The k best entities of B queries, best first; ties go to the lower id. Errors: MODELS_ID, MODELS_SHAPE, MODELS_NOT_FINITE. */
  topK(queries: QueryList, k: number): TopK {
    this.#checkQueries(queries);
    if (!(Number.isInteger(k) && k >= 1))
      throw new MuldeError("MODELS_SHAPE", `k must be a whole number from 1, but is ${k}.`);
    const best = this.inference.topK(queries.heads, queries.relations, Math.min(k, this.entities));
    // The kernel fills up with -1 where there are fewer scores than k, all others being NaN.
    if (best.ids.includes(-1)) {
      throw new MuldeError(
        "MODELS_NOT_FINITE",
        "Scores are NaN, since parameters are: the model diverged, train it anew.",
      );
    }
    return best;
  }

  /** Gives the parameters' memory back; the model must not be used afterwards. Needed only on WebAssembly, whose memory is not collected. */
  dispose(): void {
    this.#inference?.dispose();
    for (const { data } of this.tables.values()) this.kernels.engine.free(data);
  }

  #checkQueries({ heads, relations }: QueryList): void {
    checkIds("head", heads, this.entities);
    checkIds("relation", relations, 2 * this.relations);
    if (heads.length !== relations.length) {
      throw new MuldeError("MODELS_SHAPE", `There are ${heads.length} heads but ${relations.length} relations.`);
    }
  }
}

/**
 * A model with random initial values.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL, or MODELS_CONFIG naming the field that is out of range.
 */
export async function createModel(options: CreateModelOptions): Promise<KgeModel> {
  const { kernels, seed = 0, initialCurvature: c = initialCurvature, curvature = "shared", ...rest } = options;
  if (!(c > 0 && Number.isFinite(c))) {
    throw new MuldeError("MODELS_CONFIG", `initialCurvature must be a positive number, but is ${c}.`);
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

/** A model with all parameters zero, to be filled. */
export async function emptyModel(config: ModelConfig, kernels?: Kernels): Promise<KgeModel> {
  const definition = modelDefinition(config.model);
  const engine = kernels ?? (await sharedKernels());
  if (definition.fused !== undefined) return new KgeModel(config, engine, fusedEncoder);
  const tf = await loadTf();
  return new KgeModel(config, engine, (model) => tfEncoder(tf, model));
}

/** log(1 + exp(x)) */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** k with softplus(k) = c */
export function inverseSoftplus(c: number): number {
  return c > 30 ? c : Math.log(Math.expm1(c));
}

function checkIds(field: string, ids: Int32Array, limit: number): void {
  const at = ids.findIndex((id) => id < 0 || id >= limit);
  if (at >= 0) {
    throw new MuldeError(
      "MODELS_ID",
      `The ${field} at position ${at} is ${ids[at]}, but ids go from 0 to ${limit - 1}.`,
    );
  }
}
