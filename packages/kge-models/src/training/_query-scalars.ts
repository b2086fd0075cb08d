import type { QueryBatch } from "@mulde/kernels";
import type { ModelState } from "../_model-state.js";

/** The curvature and the head bias of each query, which every encoder fills alike. */
export function fillScalars(model: ModelState, heads: Int32Array, relations: Int32Array, out: QueryBatch): void {
  const bias = model.table("headBias").data;
  const c = model.curvature(0);
  const shared = model.config.curvature === "shared";
  for (let b = 0; b < out.size; b++) {
    out.headBias![b] = bias[heads[b]!]!;
    out.curvature![b] = shared ? c : model.curvature(relations[b]!);
  }
}
