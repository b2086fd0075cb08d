import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import { checkIds } from "./_checks.js";
import type { ModelState } from "./_model-state.js";
import { softplus } from "./_softplus.js";
import { checkConfig, type ModelConfig } from "./config.js";
import { Inference } from "./inference.js";
import { tableShapes } from "./models/_shape.js";
import type { ModelDefinition } from "./models/definition.js";
import { modelDefinition } from "./models/registry.js";
import type { Encoder } from "./training/encoder.js";
import type { ParameterTable, QueryList, TopK, TripleList } from "./types.js";

/**
 * A knowledge graph embedding: score(h, r, t) = similarity(q(h, r), t) + b_h(h) + b_t(t). Tables: `entity` (N x d; tangent space at the
 * origin for hyperbolic models), `headBias` and `tailBias` (N), the relation tables of its definition (2R rows, or one), and for
 * hyperbolic models `curvature` (1 or 2R values k, c = softplus(k)).
 */
export class KgeModel implements ModelState {
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
