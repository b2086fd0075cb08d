import { MuldeError } from "@mulde/errors";
import type { Tensor, Tensor2D } from "../tensors.js";

/** The inputs of an encoder, for a batch of B queries (h, r, ?). */
export interface EncoderInputs {
  /** The rows of the heads in the entity table, B x d; for hyperbolic models vectors of the tangent space at the origin. */
  readonly head: Tensor2D;
  /** For each table of the definition, the rows of the queries' relations, B x width; the one row of a shared table, 1 x width. */
  readonly relation: Readonly<Record<string, Tensor2D>>;
  /** The positive c of each query, B x 1; undefined unless the similarity is hyperbolic. */
  readonly curvature?: Tensor | undefined;
}

/**
 * The rows of a relation table, B x width, or 1 x width if all relations share one row.
 *
 * @throws MuldeError MODELS_TABLE if the definition declares no such table.
 */
export function relationRows(inputs: EncoderInputs, table: string): Tensor2D {
  if (Object.hasOwn(inputs.relation, table)) return inputs.relation[table]!;
  const known = Object.keys(inputs.relation).join(", ") || "none";
  throw new MuldeError(
    "MODELS_TABLE",
    `The encoder reads the table "${table}", but the tables are: ${known}; declare it in the definition's tables.`,
  );
}

/**
 * The positive c of the queries, B x 1.
 *
 * @throws MuldeError MODELS_CURVATURE if the model is not hyperbolic and so has none.
 */
export function queryCurvature(inputs: EncoderInputs): Tensor {
  if (inputs.curvature) return inputs.curvature;
  throw new MuldeError(
    "MODELS_CURVATURE",
    'The encoder needs a curvature, but only models of similarity "hyperbolic" have one; give the definition that similarity.',
  );
}
