import { hasCode, MuldeError } from "@mulde/errors";
import { CandidatePass, type KgeModel, type ModelGradients, type QueryLayer } from "@mulde/kge-models";
import type { Batch, CandidateBlock, ScoredBlock } from "./block.js";
import { checkDrawn, withinRows, wrongId } from "./check-parts.js";
import type { BlockPlan, LabelLoss, RowPlan, StepControl } from "./parts.js";

/** What a step comes to. */
export interface MatrixStep {
  /** the labels' losses, summed by kind; `attention` is the first label's that has one */
  readonly loss: Required<Pick<LabelLoss, "hard" | "soft" | "senior">> & Pick<LabelLoss, "attention">;
  readonly gradients: ModelGradients;
}

/**
 * One step over sampled candidates: draw queries, gather their candidates into blocks, score all blocks in one pass, let each label write its
 * gradient into its block, go back in one pass. Row plans stand below each other in one matrix; the blocks of a row plan stand side by side.
 */
export class ScoreMatrix {
  readonly #model: KgeModel;
  readonly #plans: readonly RowPlan[];
  readonly #pass: CandidatePass;
  /** candidates in a row */
  readonly #width: number;
  readonly #heads: Int32Array;
  readonly #relations: Int32Array;
  // Made by the first step, so that a constructor that fails for lack of memory leaves nothing behind.
  #candidates: Int32Array = new Int32Array();
  #gradient: Float32Array = new Float32Array();
  /** for the gradients of a block's second label and later ones */
  #added: Float32Array = new Float32Array();
  /** The first step looks at what parts write. */
  #careful = true;

  /**
   * @param batchSize - most queries of the facts in a step
   * @param plans - the facts' own rows first; all rows are equally wide
   */
  constructor(model: KgeModel, batchSize: number, plans: readonly RowPlan[], layer?: QueryLayer) {
    this.#model = model;
    this.#plans = plans;
    this.#width = widthOf(plans[0]!);
    const rows = plans.reduce((sum, { queries }) => sum + (queries?.size(batchSize) ?? batchSize), 0);
    this.#pass = new CandidatePass(model, rows, this.#width, layer);
    this.#heads = new Int32Array(rows);
    this.#relations = new Int32Array(rows);
  }

  /** What a checkpoint must hold of the parts. */
  get state(): ReadonlyMap<string, Float32Array> {
    return new Map(this.#blocks().flatMap(({ source }) => [...(source.state ?? [])]));
  }

  /** @throws MuldeError TRAINER_PART for ids that do not exist, and what parts throw */
  async step(batch: Batch, control?: StepControl): Promise<MatrixStep> {
    this.#allocate();
    const placed = this.#place(batch);
    for (const { plan, block } of placed) {
      if (this.#careful) withinRows(plan.source.name, block, block.candidates, () => plan.source.fill(block));
      else plan.source.fill(block);
    }
    for (const { plan, block } of placed) for (const label of plan.labels) await label.prepare?.(block, control);
    const scores = this.#score(placed);
    const loss: { hard: number; soft: number; senior: number; attention?: readonly number[] } = {
      hard: 0,
      soft: 0,
      senior: 0,
    };
    for (const { plan, block, begin, end } of placed) {
      const scored = { ...block, scores: scores.subarray(begin, end), gradient: this.#gradient.subarray(begin, end) };
      for (const { hard = 0, soft = 0, senior = 0, attention } of this.#learn(plan, scored, begin)) {
        loss.hard += hard;
        loss.soft += soft;
        loss.senior += senior;
        if (attention) loss.attention ??= attention;
      }
    }
    this.#careful = false;
    return { loss, gradients: this.#pass.backward(this.#gradient) };
  }

  dispose(): void {
    this.#pass.dispose();
    // A part may stand in several places.
    for (const part of new Set(this.#blocks().flatMap(({ source, labels }) => [source, ...labels]))) part.dispose?.();
    this.#model.kernels.engine.free(this.#candidates, this.#gradient, this.#added);
  }

  #allocate(): void {
    if (this.#candidates.length > 0) return;
    const { engine } = this.#model.kernels;
    const size = this.#heads.length * this.#width;
    const several = this.#blocks().some(({ labels }) => labels.length > 1);
    this.#gradient = engine.float32(size);
    this.#added = engine.float32(several ? size : 0);
    this.#candidates = engine.int32(size);
  }

  #score(placed: readonly PlacedBlock[]): Float32Array {
    const rows = placed.at(-1)!.endRow;
    try {
      return this.#pass.forward(
        this.#heads.subarray(0, rows),
        this.#relations.subarray(0, rows),
        this.#candidates.subarray(0, rows * this.#width),
      );
    } catch (cause) {
      if (!hasCode(cause, "KERNELS_BAD_ID")) throw cause;
      const named = placed.map(({ plan, block, queries }) => ({ block, source: plan.source.name, queries }));
      throw wrongId(named, this.#model) ?? cause;
    }
  }

  /** Draws each plan's queries and says where its blocks stand. */
  #place(batch: Batch): PlacedBlock[] {
    const placed: PlacedBlock[] = [];
    let row = 0;
    for (const { queries: source, blocks } of this.#plans) {
      const queries = source?.draw(batch) ?? batch;
      if (source) checkDrawn(source, queries, source.size(batch.heads.length), this.#model);
      this.#heads.set(queries.heads, row);
      this.#relations.set(queries.relations, row);
      const endRow = row + queries.heads.length;
      let column = 0;
      for (const plan of blocks) {
        const { K } = plan.source;
        const begin = row * this.#width + column;
        const end = begin + (queries.heads.length - 1) * this.#width + K;
        const block = { queries, K, stride: this.#width, candidates: this.#candidates.subarray(begin, end) };
        placed.push({ plan, block, begin, end, endRow, queries: source?.name ?? "facts" });
        column += K;
      }
      row = endRow;
    }
    return placed;
  }

  /** Lets each label write its gradient: the first into the block, others beside it and from there. */
  #learn({ labels }: BlockPlan, block: ScoredBlock, begin: number): LabelLoss[] {
    const added = this.#added.subarray(begin, begin + block.gradient.length);
    return labels.map((label, i) => {
      const own = i === 0 ? block : { ...block, gradient: added };
      const write = (): LabelLoss | undefined => label.learn(own);
      const loss = this.#careful ? withinRows(label.name, own, own.gradient, write) : write();
      if (!loss) {
        throw new MuldeError("TRAINER_PART", `The label "${label.name}" returned no loss; return { hard }, say.`);
      }
      if (i > 0) addBlock(block, added);
      return loss;
    });
  }

  #blocks(): BlockPlan[] {
    return this.#plans.flatMap(({ blocks }) => blocks);
  }
}

interface PlacedBlock {
  readonly plan: BlockPlan;
  readonly block: CandidateBlock;
  /** of the block's first value in the matrix */
  readonly begin: number;
  /** after its last */
  readonly end: number;
  /** the row after the plan's last */
  readonly endRow: number;
  /** the query source's name */
  readonly queries: string;
}

/** Candidates in a row of a plan. */
export function widthOf({ blocks }: RowPlan): number {
  return blocks.reduce((sum, { source }) => sum + source.K, 0);
}

/** Adds a second gradient to the block's. */
function addBlock({ queries, K, stride, gradient }: ScoredBlock, more: Float32Array): void {
  for (let b = 0; b < queries.heads.length; b++) {
    for (let i = b * stride; i < b * stride + K; i++) gradient[i]! += more[i]!;
  }
}
