import type { EncoderTables } from "@mulde/kernels";
import type { ModelState } from "../_model-state.js";
import { fillScalars } from "./_query-scalars.js";
import type { Encoder } from "./encoder.js";

/** The relation tables of the fused kernels. If the kernels get another one, this does not compile until it is here too. */
const noTables: Readonly<Record<Exclude<keyof EncoderTables, "encoder" | "dim" | "entity">, null>> = {
  relation: null,
  rotation: null,
  reflection: null,
  innerTranslation: null,
  context: null,
  diagonal: null,
};

/** The encoder of a built-in model, in fused kernels. */
export function fusedEncoder(model: ModelState): Encoder {
  const names = Object.keys(model.definition.tables);
  const tables: EncoderTables = {
    encoder: model.definition.fused!,
    dim: model.dim,
    entity: model.table("entity").data,
    ...noTables,
    ...Object.fromEntries(names.map((name) => [name, model.table(name).data])),
  };
  return {
    forward(heads, relations, out) {
      fillScalars(model, heads, relations, out);
      model.kernels.encode(tables, heads, relations, out);
    },
    backward(heads, relations, queries, dq, out) {
      model.kernels.encodeBackward(tables, heads, relations, queries, dq, {
        head: out.head,
        curvature: out.curvature,
        ...noTables,
        ...Object.fromEntries(out.relation),
      });
    },
  };
}
