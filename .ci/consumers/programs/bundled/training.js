// A step of training: RotH's gradients come from the kernels, TuckER's from TensorFlow.js.
import { createKernels } from "@mulde/kernels";
import { CandidatePass, createModel } from "@mulde/kge-models";

export async function answer({ options }) {
  const kernels = await createKernels(options);
  const norms = {};
  for (const name of ["RotH", "TuckER"]) {
    const model = await createModel({ model: name, dim: 8, entities: 20, relations: 2, seed: 1, kernels });
    const pass = new CandidatePass(model, 2, 2);
    pass.forward(Int32Array.of(0, 1), Int32Array.of(0, 3), Int32Array.of(4, 5, 6, 7));
    const gradients = pass.backward(Float32Array.of(1, -1, 1, -1));
    for (const [table, { values }] of gradients) norms[`${name}.${table}`] = Math.hypot(...values);
  }
  return { norms };
}
