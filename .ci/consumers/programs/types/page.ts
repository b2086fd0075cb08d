// What a page uses: no types of Node.
import { evaluate, knownAnswers, type Scorer } from "@mulde/eval";
import { createKernels, type Kernels } from "@mulde/kernels";
import { CandidatePass, createModel, openModel, type NamedModel } from "@mulde/kge-models";
import { functionTeacher, Senior, type Teacher } from "@mulde/senior";

export const scorer: Scorer = { numEntities: 2, scoreAll: (_heads, _relations, out) => void out.fill(0) };
export const teacher: Teacher = functionTeacher("own", (_heads, _relations, tails) => Float32Array.from(tails));

export async function answers(url: URL): Promise<string[]> {
  const named: NamedModel = await openModel(url);
  return named.predict({ head: "Alba", relation: "knows" }).map(({ tail }) => tail);
}

export async function step(wasm: Response): Promise<number> {
  const kernels: Kernels = await createKernels({ wasm, worker: () => new Worker("worker.js", { type: "module" }) });
  const model = await createModel({ model: "RotH", dim: 4, entities: 3, relations: 1, kernels });
  const pass = new CandidatePass(model, 1, 2);
  const scores = pass.forward(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1, 2));
  const senior = new Senior({ teachers: 1, relations: 2, kernels });
  const test = { heads: Int32Array.of(0), relations: Int32Array.of(0), tails: Int32Array.of(1), length: 1 };
  const { mrr } = await evaluate(scorer, { triples: test, numRelations: 1, known: knownAnswers(2, 1, test) });
  return mrr + scores.length + senior.teachers;
}
