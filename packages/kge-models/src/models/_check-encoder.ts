import { MuldeError } from "@mulde/errors";
import type { Tf } from "../tensors.js";
import { compareGradients } from "./_compare-gradients.js";
import { probe } from "./_probe.js";
import { called, randomTrial, refuse } from "./_trial.js";
import type { ModelDefinition } from "./definition.js";

/** Lengths of the vectors: where tanh and its like bend, but not yet saturate. */
const LENGTHS = [0.3, 0.7, 1];

/** What `checkModel` was told, or its defaults. */
interface Tried {
  readonly dims: readonly number[];
  readonly curvatures: readonly number[];
  readonly seeds: readonly number[];
  readonly tolerance: number;
}

/**
 * Tries an encoder: its results, and its gradients beside finite differences.
 *
 * @throws MuldeError MODELS_DEFINITION for the first fault
 */
export function checkEncoder(
  tf: Tf,
  definition: ModelDefinition,
  { dims, curvatures, seeds, tolerance }: Tried,
): { readonly compared: number; readonly skipped: number; readonly worst: number } {
  let compared = 0;
  let skipped = 0;
  let worst = 0;
  for (const dim of dims) {
    for (const seed of seeds) {
      probe(tf, definition, dim, seed);
      for (const c of curvatures.length > 0 ? curvatures : [1]) {
        const trial = randomTrial(definition, dim, LENGTHS.length, { seed, lengths: LENGTHS, curvatures: [c] });
        for (const { leaf, row, column, gradient, slope, error } of compareGradients(tf, trial, seed, tolerance)) {
          if (error === undefined) {
            skipped++;
            continue;
          }
          if (error > tolerance) {
            throw refuse(
              trial,
              leaf.name,
              `has a wrong gradient by ${called(leaf)}, row ${row}, column ${column}: ${gradient.toPrecision(4)}, where finite differences ` +
                `give ${slope.toPrecision(4)} (dimension ${dim}, seed ${seed}${curvatures.length > 0 ? `, c = ${c}` : ""}).`,
            );
          }
          compared++;
          worst = Math.max(worst, error);
        }
      }
    }
  }
  if (compared > 0) return { compared, skipped, worst };
  throw new MuldeError("MODELS_DEFINITION", "encode has no derivative anywhere that was tried.", {
    path: [definition.name, "encode"],
  });
}
