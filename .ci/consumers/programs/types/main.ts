// The main names of every package, in strict TypeScript.
import { createDataset, loadDataset, splitTriples, tripleList, Vocabulary, type Dataset } from "@mulde/datasets";
import { closest, hasCode, MuldeError } from "@mulde/errors";
import { evaluate, knownAnswers, teacherScorer, type RankingReport, type Scorer } from "@mulde/eval";
import { createKernels, type Kernels, type KernelsOptions } from "@mulde/kernels";
import {
  AllPass,
  CandidatePass,
  checkModel,
  createModel,
  defineModel,
  importModel,
  loadModel,
  loadTf,
  modelScorer,
  modelTeacher,
  openModel,
  saveModel,
  type KgeModel,
  type ModelDefinition,
  type NamedModel,
  type Prediction,
  type SavedModel,
} from "@mulde/kge-models";
import {
  distil,
  evaluateModel,
  parseExperiment,
  runExperiment,
  train,
  type AnswerRule,
  type TrainInput,
} from "@mulde/mulde-trainer";
import { collectScores, functionTeacher, recordScores, scoreTable, Senior, type Teacher } from "@mulde/senior";
import { onnxTeacher } from "@mulde/senior/onnx";
import { readScores, writeScores } from "@mulde/senior/parquet";
import { seniorStepReference } from "@mulde/senior/reference";

export const definition: ModelDefinition = defineModel({
  name: "Affine",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: {
    scale: { width: (dim) => dim, init: "uniform" },
    shift: { width: (dim) => dim, init: "normal" },
  },
  encode: (tf, { head, relation }) => {
    const [scale, shift] = [relation["scale"], relation["shift"]];
    if (!scale || !shift) throw new MuldeError("OWN_TABLES", "two tables are needed.");
    return tf.add(tf.mul(head, scale), shift);
  },
});

export const rule: AnswerRule = { name: "never", isWrong: () => false };

export async function teachers(data: Dataset): Promise<Teacher[]> {
  const options: TrainInput = { model: { name: "RotH", dim: 16 }, epochs: 1, loss: "1vsAll" };
  const run = train(options, { data, parts: { rules: [rule] } });
  for await (const event of run) if (event.type === "validation") console.log(event.metrics.mrr);
  const { model, best } = await run.result;
  console.log(best.metrics.hits["10"]);
  const own = functionTeacher("own", (_heads, _relations, candidates) => Float32Array.from(candidates));
  const [heads, relations] = [Int32Array.of(0), Int32Array.of(0)];
  await writeScores("scores.parquet", await recordScores(own, { heads, relations, entities: 5, top: 2 }));
  const table = scoreTable("table", await readScores("scores.parquet"), { missing: "zero" });
  return [modelTeacher(model, "RotH"), own, table, await onnxTeacher("onnx", "model.onnx")];
}

export async function junior(data: Dataset, set: readonly Teacher[], signal: AbortSignal): Promise<RankingReport> {
  const { model } = await distil({ model: { name: "RotH", dim: 8 } }, { data, teachers: set, signal }).result;
  await saveModel(model, "junior", { entities: data.entities.names, relations: data.relations.names });
  const scorer: Scorer = modelScorer(model);
  const { train: trainTriples, valid, test } = data;
  const known = knownAnswers(data.entities.size, data.relations.size, trainTriples, valid, test);
  const whole: RankingReport = await evaluate(scorer, { triples: test, numRelations: data.relations.size, known });
  console.log(whole.byRelation?.[0]?.tail.mrr, (await evaluateModel(model, data)).mrr);
  const [first] = set;
  return first ? evaluate(teacherScorer(first, { entities: 5 }), { triples: test, numRelations: 2 }) : whole;
}

export async function models(options: KernelsOptions): Promise<Prediction[]> {
  const kernels: Kernels = await createKernels({ threads: 1, ...options });
  const model: KgeModel = await createModel({ model: "TuckER", dim: 4, entities: 3, relations: 1, kernels });
  const pass = new CandidatePass(model, 1, 2);
  pass.forward(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1, 2));
  for (const [name, gradient] of pass.backward(Float32Array.of(1, -1))) console.log(name, gradient.values.length);
  new AllPass(model, 1).dispose();
  const report = await checkModel(definition);
  const tf = await loadTf("cpu");
  console.log(report, tf.add, definition.encode.length);
  const saved: SavedModel = await loadModel(new URL("file:///junior/"), { kernels });
  console.log(saved.model.bytes, importModel.name);
  const files = ["config.json", "model.safetensors", "entities.tsv", "relations.tsv"] as const;
  const bytes = Object.fromEntries(files.map((name) => [name, new Uint8Array()])) as Record<
    (typeof files)[number],
    Uint8Array
  >;
  const named: NamedModel = await openModel(bytes, { kernels });
  return named.predict({ head: "Alba", relation: "knows" }, { top: 3, known: { train: [["Alba", "knows", "Bero"]] } });
}

export async function softLabels(set: readonly Teacher[]): Promise<Float32Array> {
  const senior = new Senior({ teachers: set.length, relations: 2, kernels: { seniorStep: seniorStepReference } });
  const [heads, relations, candidates] = [Int32Array.of(0), Int32Array.of(0), Int32Array.of(1, 2)];
  const teacherScores = new Float32Array(set.length * 2);
  await collectScores(set, heads, relations, candidates, teacherScores);
  const batch = { epoch: 0, relations, teacherScores, juniorScores: new Float32Array(2), B: 1, K: 2 };
  return senior.softLogits(batch).softLogits;
}

try {
  const data = await loadDataset("./graph");
  const parts = splitTriples(tripleList(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1)), 2, 1, { seed: 1 });
  const names = { entities: Vocabulary.fromNames(["a", "b"]), relations: Vocabulary.fromNames(["r"]) };
  console.log(data.fingerprint, createDataset({ name: "own", ...names, ...parts }).train.length);
  const experiment = parseExperiment({ name: "own", data: "./graph" });
  for await (const event of runExperiment(experiment, { data, out: "runs" })) console.log(event);
} catch (error) {
  if (!hasCode(error, "DATASETS_NAME")) throw error;
  console.log(error.code, error.path, error.line, closest("RotG", ["RotH", "RotE"]));
}
