// Opens a model from a URL and asks it by name.
import { createKernels } from "@mulde/kernels";
import { openModel } from "@mulde/kge-models";

export async function answer({ model, options }) {
  const named = await openModel(model, options && { kernels: await createKernels(options) });
  return { answers: named.predict({ head: "Köln", relation: "in" }, { top: 3 }) };
}
