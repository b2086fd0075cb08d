// What a step is made of. Each part is a small object; the built-in ones and your own meet here on equal terms.
import type { Batch, CandidateBlock, ScoredBlock } from "./block.js";

/** Queries that a step asks beside those of the facts. */
export interface QuerySource {
  /** Identifies the source in a run's identity. */
  readonly name: string;
  /** How many queries go with B queries of the facts; never fewer for a greater B. */
  size(B: number): number;
  /** As many queries as `size` says for this batch. A tail is -1 where no answer is known. */
  draw(batch: Batch): Batch;
}

/** Which entities the queries of a block are compared with. */
export interface CandidateSource {
  /** Identifies the source in a run's identity. */
  readonly name: string;
  /** candidates per query */
  readonly K: number;
  /** Fills the block's candidates with entity ids. */
  fill(block: CandidateBlock): void;
  /** What a checkpoint must hold, filled in place by one that is read. */
  readonly state?: ReadonlyMap<string, Float32Array>;
  /** Gives memory back. */
  dispose?(): void;
}

/** What a step may be told while it runs. */
export interface StepControl {
  /** Aborts when the run is stopped: whoever waits for a slow teacher may give up. */
  readonly signal?: AbortSignal | undefined;
}

/** Parts of a step's loss, by what they are of. */
export interface LabelLoss {
  /** of the facts */
  readonly hard?: number;
  /** of the teachers' answers, without lambda */
  readonly soft?: number;
  /** of the Senior's own training */
  readonly senior?: number;
  /** m: each teacher's attention weight, a mean over the batch */
  readonly attention?: readonly number[];
}

/** A loss over a block of scores. No label depends on another one. */
export interface Label {
  /** Identifies the label in a run's identity. */
  readonly name: string;
  /** Called before the block is scored, with its candidates: to ask teachers, for example. */
  prepare?(block: CandidateBlock, control?: StepControl): Promise<void>;
  /** Writes dL/ds of every candidate into the block's gradient and returns the loss. */
  learn(block: ScoredBlock): LabelLoss;
  /** Gives memory back. */
  dispose?(): void;
}

/** Candidates with what is learned from their scores. Where labels are many, their gradients add up. */
export interface BlockPlan {
  readonly source: CandidateSource;
  readonly labels: readonly Label[];
}

/** Queries with their blocks, which stand side by side in the score matrix. */
export interface RowPlan {
  /** The facts' own queries unless given. */
  readonly queries?: QuerySource;
  readonly blocks: readonly BlockPlan[];
}
