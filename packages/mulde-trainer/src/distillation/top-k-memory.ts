import type { TripleList } from "@mulde/datasets";
import { MuldeError } from "@mulde/errors";
import type { Batch } from "../step/block.js";

// Checkpoints hold the ids, and Node reads no file of 2 GiB.
const mostBytes = 2 ** 30;

/**
 * Keeps the Junior's top K of each training query for some epochs. Ranking all entities takes up to three quarters of a distillation step, and
 * a query's top K changes slowly after the first epochs, in which it is looked up once an epoch. Frozen teachers score the kept candidates
 * once: their scores are kept too.
 */
export class TopKMemory {
  /** m, teachers whose scores are kept, or 0 */
  readonly teachers: number;
  readonly #slots = new Map<number, number>();
  readonly #every: number;
  readonly #K: number;
  readonly #relationRows: number;
  readonly #ids: Int32Array;
  /** the epoch after that of the last look, 0 before the first */
  readonly #looked: Int32Array;
  /** m x K for each query */
  readonly #scores: Float32Array;
  readonly #scored: Uint8Array;

  /**
   * @param queries - the training queries
   * @param relations - R
   * @param every - epochs for which a query's candidates are kept; in the first so many, for the epoch under way
   * @param teachers - m, how many teachers are frozen and have their scores kept; 0 keeps none
   * @throws MuldeError TRAINER_OPTION where the ids would take more than a checkpoint can hold
   */
  constructor(queries: TripleList, relations: number, every: number, K: number, teachers = 0) {
    this.teachers = teachers;
    this.#every = every;
    this.#K = K;
    this.#relationRows = 2 * relations;
    for (let i = 0; i < queries.length; i++) {
      const key = this.#key(queries.heads[i]!, queries.relations[i]!);
      if (!this.#slots.has(key)) this.#slots.set(key, this.#slots.size);
    }
    const bytes = 4 * this.#slots.size * K;
    if (bytes > mostBytes) {
      throw new MuldeError(
        "TRAINER_OPTION",
        `it would keep ${(bytes / 2 ** 30).toFixed(1)} GiB of candidates, ${K} for each of ${this.#slots.size} queries; lower soft.candidates.k, or leave refresh 1.`,
        { path: ["soft", "candidates", "refresh"], value: every },
      );
    }
    this.#ids = new Int32Array(this.#slots.size * K);
    this.#looked = new Int32Array(this.#slots.size);
    this.#scores = new Float32Array(this.#slots.size * teachers * K);
    this.#scored = new Uint8Array(this.#slots.size);
  }

  /** What a checkpoint must hold, as views of its kind: the bits are those of integers. Teachers that do not change can be asked again. */
  state(): ReadonlyMap<string, Float32Array> {
    return new Map([
      ["topK", new Float32Array(this.#ids.buffer)],
      ["topKEpochs", new Float32Array(this.#looked.buffer)],
    ]);
  }

  /** The queries of a batch, by their positions, whose candidates have to be looked up. */
  stale({ heads, relations, epoch }: Pick<Batch, "heads" | "relations" | "epoch">): number[] {
    const positions: number[] = [];
    for (let b = 0; b < heads.length; b++) {
      const looked = this.#looked[this.#slot(heads[b]!, relations[b]!)]!;
      const age = epoch + 1 - looked;
      if (looked === 0 || age >= (epoch < this.#every ? 1 : this.#every)) positions.push(b);
    }
    return positions;
  }

  /** @param ids - K for each of the queries */
  keep({ heads, relations, epoch }: Pick<Batch, "heads" | "relations" | "epoch">, ids: Int32Array): void {
    for (let b = 0; b < heads.length; b++) {
      const slot = this.#slot(heads[b]!, relations[b]!);
      this.#ids.set(ids.subarray(b * this.#K, (b + 1) * this.#K), slot * this.#K);
      this.#looked[slot] = epoch + 1;
      this.#scored[slot] = 0;
    }
  }

  /** Fills in what is kept, K ids in each row. */
  recall({ heads, relations }: Pick<Batch, "heads" | "relations">, out: Int32Array, stride = this.#K): void {
    for (let b = 0; b < heads.length; b++) {
      const from = this.#slot(heads[b]!, relations[b]!) * this.#K;
      out.set(this.#ids.subarray(from, from + this.#K), b * stride);
    }
  }

  /** The queries of a batch, by their positions, whose candidates the teachers have not scored yet. */
  unscored({ heads, relations }: Pick<Batch, "heads" | "relations">): number[] {
    const positions: number[] = [];
    for (let b = 0; b < heads.length; b++) {
      if (this.#scored[this.#slot(heads[b]!, relations[b]!)] === 0) positions.push(b);
    }
    return positions;
  }

  /** @param scores - m x B x K, of what is kept for the queries */
  keepScores({ heads, relations }: Pick<Batch, "heads" | "relations">, scores: Float32Array): void {
    this.#rows(heads, relations, (kept, row, slot) => {
      this.#scores.set(scores.subarray(row, row + this.#K), kept);
      this.#scored[slot] = 1;
    });
  }

  /** Fills in the scores that are kept, m x B x K. */
  recallScores({ heads, relations }: Pick<Batch, "heads" | "relations">, out: Float32Array): void {
    this.#rows(heads, relations, (kept, row) => out.set(this.#scores.subarray(kept, kept + this.#K), row));
  }

  /** Where each query's scores by each teacher begin: here and in m x B x K. */
  #rows(heads: Int32Array, relations: Int32Array, visit: (kept: number, row: number, slot: number) => void): void {
    const B = heads.length;
    for (let b = 0; b < B; b++) {
      const slot = this.#slot(heads[b]!, relations[b]!);
      for (let i = 0; i < this.teachers; i++) {
        visit((slot * this.teachers + i) * this.#K, (i * B + b) * this.#K, slot);
      }
    }
  }

  #slot(head: number, relation: number): number {
    const slot = this.#slots.get(this.#key(head, relation));
    if (slot !== undefined) return slot;
    throw new MuldeError(
      "TRAINER_DATA",
      `soft.candidates.refresh keeps the candidates of training queries only, but (${head}, ${relation}, ?) is none; leave it 1.`,
    );
  }

  #key(head: number, relation: number): number {
    return head * this.#relationRows + relation;
  }
}
