import type { EncoderTables } from "@mulde/kernels";
import type { ModelState } from "../_model-state.js";
import { fillScalars } from "./_query-scalars.js";
import type { Encoder } from "./encoder.js";

const optionalTables = ["relation", "rotation", "reflection", "innerTranslation", "context", "diagonal"] as const;

/** The encoder of a built-in model, in fused kernels. */
export function fusedEncoder(model: ModelState): Encoder {
  const data = (name: string): Float32Array | null => model.tables.get(name)?.data ?? null;
  const tables: EncoderTables = {
    encoder: model.definition.fused!,
    dim: model.dim,
    entity: model.table("entity").data,
    relation: data("relation"),
    rotation: data("rotation"),
    reflection: data("reflection"),
    innerTranslation: data("innerTranslation"),
    context: data("context"),
    diagonal: data("diagonal"),
  };
  return {
    forward(heads, relations, out) {
      fillScalars(model, heads, relations, out);
      model.kernels.encode(tables, heads, relations, out);
    },
    backward(heads, relations, queries, dq, out) {
      const gradients = Object.fromEntries(
        optionalTables.map((name) => [name, out.relation.get(name) ?? null]),
      ) as Record<(typeof optionalTables)[number], Float32Array | null>;
      model.kernels.encodeBackward(tables, heads, relations, queries, dq, {
        head: out.head,
        curvature: out.curvature,
        ...gradients,
      });
    },
  };
}
