// Asks the kernels, and a model that trains a step in the kernels and one in TensorFlow.js; tells which engine ran.
import { createKernels } from "@mulde/kernels";
import { CandidatePass, createModel } from "@mulde/kge-models";

const kernels = await createKernels();
const gradients = {};
for (const name of ["RotH", "TuckER"]) {
  const model = await createModel({ model: name, dim: 8, entities: 20, relations: 2, seed: 1, kernels });
  const { ids } = model.topK({ heads: Int32Array.of(1), relations: Int32Array.of(2) }, 3);
  const pass = new CandidatePass(model, 2, 2);
  pass.forward(Int32Array.of(0, 1), Int32Array.of(0, 3), Int32Array.of(4, 5, 6, 7));
  const { values } = pass.backward(Float32Array.of(1, -1, 1, -1)).get("entity");
  gradients[name] = values.some((value) => value !== 0) && values.every(Number.isFinite);
  if (new Set(ids).size !== 3) throw new Error(`${name}: ${ids}`);
}
const { kind, threads, engine } = kernels;
await kernels.close();
console.log(JSON.stringify({ kind, threads, fallback: engine.fallback, gradients }));
