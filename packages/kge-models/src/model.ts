import { MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import { checkColumns, checkIds, disposed } from "./_checks.js";
import { Memory } from "./_memory.js";
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
 * A knowledge graph embedding: score(h, r, t) = similarity(q(h, r), t) + b_h(h) + b_t(t). Its tables: `entity` (N x d; in the tangent
 * space at the origin if the model is hyperbolic), `headBias` and `tailBias` (N), the relation tables of its definition (2R rows, or
 * one), and for hyperbolic models `curvature` (1 or 2R values k, c = softplus(k)).
 *
 * Ids are those of the data set: entities 0..N-1, relations 0..2R-1, where r + R is the reciprocal of r. Every method throws MODELS_DISPOSED
 * after `dispose`.
 */
export class KgeModel implements ModelState {
  readonly definition: ModelDefinition;
  readonly encoder: Encoder;
  /** Number of trained values. */
  readonly parameters: number;
  readonly #tables: ReadonlyMap<string, ParameterTable>;
  readonly #memory: Memory;
  #version = 0;
  #inference: Inference | undefined;
  #disposed = false;

  /** @internal Use `createModel` or `loadModel`. */
  constructor(
    readonly config: ModelConfig,
    readonly kernels: Kernels,
    encoderOf: (model: KgeModel) => Encoder,
  ) {
    checkConfig(config);
    this.definition = modelDefinition(config.model);
    const shapes = tableShapes(config, this.definition);
    this.parameters = shapes.reduce((sum, { rows, width }) => sum + rows * width, 0);
    this.#memory = new Memory(kernels.engine);
    this.#tables = this.#memory.build(
      (engine) =>
        new Map(shapes.map((shape) => [shape.name, { ...shape, data: engine.float32(shape.rows * shape.width) }])),
    );
    this.encoder = this.#memory.build(() => encoderOf(this));
  }

  /** The parameters by table name. Call `touch` after changing them. */
  get tables(): ReadonlyMap<string, ParameterTable> {
    this.#use();
    return this.#tables;
  }
  get dim(): number {
    return this.config.dim;
  }
  /** N */
  get entities(): number {
    return this.config.entities;
  }
  /** R; queries use 2R relation ids. */
  get relations(): number {
    return this.config.relations;
  }
  /** Whether points lie in the Poincare ball. */
  get hyperbolic(): boolean {
    return this.definition.similarity === "hyperbolic";
  }
  /** Bytes of the trained values in float32. */
  get bytes(): number {
    return 4 * this.parameters;
  }

  /** A table by name; throws MODELS_TABLE if the model has no such table. */
  table(name: string): ParameterTable {
    this.#use();
    const table = this.#tables.get(name);
    if (table) return table;
    throw new MuldeError(
      "MODELS_TABLE",
      `${this.config.model} has no table "${name}"; it has ${[...this.#tables.keys()].join(", ")}.`,
    );
  }

  /** The similarity kernel. With one curvature per relation, entities have no fixed point in the ball, hence a kernel of its own. */
  get similarity(): "dot" | "euclidean" | "hyperbolic" | "relationHyperbolic" {
    return this.hyperbolic && this.config.curvature === "relation" ? "relationHyperbolic" : this.definition.similarity;
  }

  /** c of a relation id (the same for all if shared); 1 for models without curvature. */
  curvature(relation: number): number {
    const k = this.tables.get("curvature");
    if (!k) return 1;
    // In float32, as the kernels get it. An infinite one would make all scores 0, where a NaN shows.
    const c = Math.fround(softplus(k.data[k.rows === 1 ? 0 : relation]!));
    return c < Infinity ? c : NaN;
  }

  /** Tells the model that its parameters were changed: it then prepares its points again. */
  touch(): void {
    this.#version++;
  }
  /** Counts the calls of `touch`. */
  get version(): number {
    return this.#version;
  }

  /** The scoring side, with the prepared entity points. */
  get inference(): Inference {
    this.#use();
    this.#inference ??= new Inference(this);
    return this.#inference;
  }

  /**
   * Scores n triples; relation ids may be reciprocal.
   *
   * @returns n scores
   * @throws MuldeError MODELS_SHAPE for columns that are no Int32Arrays or differ in length, MODELS_ID for an id out of range
   */
  score(triples: TripleList): Float32Array {
    const { heads, relations, tails } = triples;
    const length: unknown = triples.length;
    if (!Number.isInteger(length)) {
      throw new MuldeError(
        "MODELS_SHAPE",
        "Triples must be { heads, relations, tails, length }, but length is missing.",
        {
          path: ["length"],
        },
      );
    }
    checkColumns({ heads, relations, tails }, triples.length);
    checkIds("head", heads, this.entities);
    checkIds("relation", relations, 2 * this.relations);
    checkIds("tail", tails, this.entities);
    const out = new Float32Array(triples.length);
    this.inference.score(heads, relations, tails, out);
    return out;
  }

  /**
   * Scores all entities as tails of B queries.
   *
   * @returns B x N scores
   * @throws MuldeError as `score` does
   */
  scoreAll(queries: QueryList): Float32Array {
    this.#checkQueries(queries);
    const out = new Float32Array(queries.heads.length * this.entities);
    this.inference.scoreAll(queries.heads, queries.relations, out);
    return out;
  }

  /**
   * The k best entities of B queries, best first; ties go to the lower id.
   *
   * @throws MuldeError as `score` does; MODELS_NOT_FINITE if a score is NaN or infinite, with a `ModelScore` as `value`
   */
  topK(queries: QueryList, k: number): TopK {
    this.#checkQueries(queries);
    if (!(Number.isInteger(k) && k >= 1)) {
      throw new MuldeError("MODELS_SHAPE", `k must be a whole number from 1, but is ${k}.`, { path: ["k"], value: k });
    }
    const best = this.inference.topK(queries.heads, queries.relations, Math.min(k, this.entities));
    // The kernel passes over what is NaN, and an infinite score would come first or last.
    const odd = best.scores.findIndex((score, at) => best.ids[at] === -1 || !Number.isFinite(score));
    const query = odd === -1 ? (this.inference.sound ? -1 : 0) : Math.floor(odd / best.k);
    if (query !== -1) throw this.#notFinite(queries.heads[query]!, queries.relations[query]!);
    return best;
  }

  /**
   * Gives the memory of the parameters back. Only WebAssembly needs it, whose memory is not garbage collected. A second call does nothing.
   */
  dispose(): void {
    this.#disposed = true;
    this.#inference?.dispose();
    this.#memory.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #use(): void {
    if (this.#disposed) throw disposed(`model ${this.config.model}`);
  }

  #notFinite(head: number, relation: number): MuldeError {
    const value = this.inference.oddScore(head, relation);
    const what = value ? `Entity ${value.entity} scores ${value.score}` : "A score is not finite";
    return new MuldeError(
      "MODELS_NOT_FINITE",
      `${what} in the query (${head}, ${relation}, ?): the model diverged, train it again.`,
      { value },
    );
  }

  #checkQueries({ heads, relations }: QueryList): void {
    checkColumns({ heads, relations });
    checkIds("head", heads, this.entities);
    checkIds("relation", relations, 2 * this.relations);
  }
}
