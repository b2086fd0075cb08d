// What is fuzzed: for each kind a valid input, how to mutate it, and the library call that gets it. A call returns normally only with a
// result that is consistent.
import assert from "node:assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadDataset, readTriples } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { createKernels } from "@mulde/kernels";
import { loadModel, modelTeacher, openModel } from "@mulde/kge-models";
import {
  distil,
  distilSchema,
  evaluateModel,
  parseExperiment,
  parseOptions,
  train,
  trainSchema,
} from "@mulde/mulde-trainer";
import { Senior } from "@mulde/senior";
import { readExperiment } from "../../../apps/cli/dist/_experiment-file.js";
import { graph, openke, tar } from "../inputs/_files.js";
import { mutateBytes, mutateValue } from "./_mutate.js";

const experiment =
  "name: fuzz\ndata: graph\nseed: 3\ndefaults: &d\n  epochs: 2\n  negatives: 2\n  optimizer: { learningRate: 0.01 }\nteachers:\n  - { name: a, model: { name: RotH, dim: 4 } }\n" +
  "  - { model: RefH, rules: [ownHead, { functional: 1.05 }] }\njunior: { model: { name: RotH, dim: 4 }, soft: { candidates: { k: 2 } } }\nundistilled: { rules: [] }\nvariants: { b: { <<: *d, loss: 1vsAll } }\n";
const ids = (...values) => Int32Array.from(values);

/** The targets, given the fixtures. Each makes one case from a generator; its `run` gets an empty folder. */
export async function makeTargets({ graph: directory, model, checkpoint, scores }) {
  const data = await loadDataset(directory);
  const opened = await openModel(model);
  const kernels = await createKernels({ threads: 1 });
  const files = (name, content, read) => ({
    name,
    make: (random) => {
      const changed = { ...content };
      const file = random.pick(Object.keys(changed));
      changed[file] = mutateBytes(Buffer.from(changed[file]), random);
      return changed;
    },
    run: async (input, folder) => {
      for (const [file, bytes] of Object.entries(input)) {
        mkdirSync(join(folder, file, ".."), { recursive: true });
        writeFileSync(join(folder, file), bytes);
      }
      await read(folder);
    },
  });
  const calls = (name, base, call) => ({ name, make: (random) => mutateValue(base, random), run: call });
  const dataset = async (folder, name) => {
    const read = await loadDataset(join(folder, name));
    assert(read.train.length > 0 && read.entities.size > 0);
    for (const split of [read.train, read.valid, read.test]) {
      assert.equal(split.heads.length, split.length);
      assert(split.heads.every((id) => id >= 0 && id < read.entities.size));
      assert(split.relations.every((id) => id >= 0 && id < read.relations.size));
    }
  };
  const saved = Object.fromEntries(
    ["config.json", "entities.tsv", "relations.tsv", "model.safetensors"].map((file) => [
      `m/${file}`,
      readFileSync(join(model, file)),
    ]),
  );
  const unsigned = {
    ...saved,
    "m/config.json": Buffer.from(JSON.stringify({ ...JSON.parse(saved["m/config.json"]), files: undefined })),
  };
  const askModel = async (folder) => {
    const { model: read, entities } = await loadModel(join(folder, "m"), { kernels });
    try {
      assert.equal(entities.length, read.entities);
      const row = read.score({ heads: ids(0), relations: ids(0), tails: ids(0), length: 1 });
      assert(Number.isFinite(row[0]));
    } finally {
      read.dispose();
    }
  };
  const nt =
    "<http://e/A> <http://e/k> <http://e/B> .\n_:x <http://e/k> <http://e/A> .\n<http://e/B> <http://e/l> _:x . # so\n";
  const ttl = "@prefix e: <http://e/> .\ne:A e:k e:B, e:C ; a e:T .\n[ e:l e:A ] e:m ( e:B e:C ) .\n";
  const triples = { heads: ids(0, 1), relations: ids(0, 1), tails: ids(1, 2), length: 2 };
  const options = { model: { name: "RotH", dim: 4 }, epochs: 1, negatives: { count: 2 }, batchSize: 8, seed: 1 };
  return [
    files("a data directory", graph(), (folder) => dataset(folder, "graph")),
    files("OpenKE", openke(), (folder) => dataset(folder, "graph")),
    files("an archive", { "g.tar": tar() }, (folder) => dataset(folder, "g.tar")),
    files("a packed archive", { "g.tar.gz": gzipSync(tar()) }, (folder) => dataset(folder, "g.tar.gz")),
    files("N-Triples", { "a.nt": nt }, (folder) => readTriples(join(folder, "a.nt"))),
    files("Turtle", { "a.ttl": ttl }, (folder) => readTriples(join(folder, "a.ttl"), { literals: "skip" })),
    files("a model", saved, askModel),
    files("a model without hashes", unsigned, askModel),
    files("a checkpoint", { "c.safetensors": readFileSync(checkpoint) }, async (folder) => {
      const options = { model: { name: "RotH", dim: 4 }, epochs: 2, seed: 1, negatives: 2 };
      const result = await train(options, { data, checkpoint: join(folder, "c.safetensors"), kernels }).result;
      assert(Number.isFinite(result.best.metrics.mrr));
      result.model.dispose();
    }),
    files("a table of scores", { "s.parquet": readFileSync(scores) }, async (folder) => {
      const { scoreTable } = await import("@mulde/senior");
      const { readScores } = await import("@mulde/senior/parquet");
      scoreTable("t", await readScores(join(folder, "s.parquet")));
    }),
    {
      name: "an experiment's text",
      make: (random) => mutateBytes(Buffer.from(experiment), random),
      run: (input) => void readExperiment(input.toString("utf8"), "x.yaml"),
    },
    calls("an experiment", { value: sampleExperiment() }, ({ value }) => void parseExperiment(value)),
    calls("options of training", { value: options }, ({ value }) => void parseOptions(trainSchema, value)),
    calls(
      "options of distillation",
      { value: { ...options, soft: { weight: 1, candidates: { k: 2 } }, senior: { scaling: "relation" } } },
      ({ value }) => void parseOptions(distilSchema, value),
    ),
    calls(
      "train",
      {
        options,
        context: {
          checkpointMinutes: 1,
          data: {
            entities: { size: 4 },
            relations: { size: 2 },
            train: data.train,
            valid: data.valid,
            test: data.test,
          },
        },
      },
      async ({ options: given, context }) => {
        if (isLarge(given)) return;
        const { model: made } = await train(given, context).result;
        made.dispose();
      },
    ),
    calls("distil", { options: { ...options, soft: { candidates: { k: 2 } } } }, async ({ options: given }) => {
      if (isLarge(given)) return;
      const { model: made } = await distil(given, { data, teachers: [modelTeacher(opened.model, "a")] }).result;
      made.dispose();
    }),
    calls(
      "evaluate",
      { options: { triples, numRelations: 2, hitsAt: [1, 3], batchSize: 2, tie: "realistic", sides: "both" } },
      async ({ options: given }) => {
        const scorer = {
          numEntities: 4,
          scoreAll: (_h, _r, out) => void out.forEach((_, i) => (out[i] = (i * 7) % 5)),
        };
        const { mrr, ranks } = await evaluate(scorer, given);
        assert(ranks > 0 && mrr > 0 && mrr <= 1);
      },
    ),
    calls("evaluateModel", { split: "test", options: { tie: "realistic", hitsAt: [1] } }, ({ split, options: given }) =>
      evaluateModel(opened, data, split, given),
    ),
    calls(
      "predict",
      { query: { head: "Alba", relation: "knows" }, options: { top: 3 } },
      ({ query, options: given }) => {
        for (const { score } of opened.predict(query, given)) assert(Number.isFinite(score));
      },
    ),
    calls(
      "score",
      {
        triples: [
          ["Alba", "knows", "Bero"],
          ["Bero", "likes", "Alba"],
        ],
      },
      ({ triples: given }) => {
        assert(opened.score(given).every(Number.isFinite));
      },
    ),
    calls(
      "the Senior's step",
      {
        options: { teachers: 1, relations: 4, temperature: 1 },
        step: {
          epoch: 0,
          B: 1,
          K: 2,
          softWeight: 1,
          relations: ids(0),
          targets: ids(0),
          teacherScores: Float32Array.of(1, 2),
          juniorScores: Float32Array.of(1, 2),
          gradJunior: new Float32Array(2),
        },
      },
      ({ options: given, step }) => {
        const { softLoss } = new Senior({ ...given, kernels }).step(step);
        assert(Number.isFinite(softLoss));
      },
    ),
  ];
}

/** Whether valid options ask for more work than a fuzzer has time for. */
function isLarge(given) {
  let big = false;
  const visit = (value) => {
    if (typeof value === "number" && (value > 1000 || (value > 0 && value < 1e-6))) big = true;
    if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(given);
  return big;
}

function sampleExperiment() {
  return {
    ...{ name: "x", data: "graph", seed: 1, defaults: { epochs: 2, optimizer: { learningRate: 0.1 } } },
    teachers: [{ model: { name: "RotH", dim: 4 } }, { name: "b", from: "elsewhere" }],
    junior: { model: { name: "RotH", dim: 4 }, soft: { weight: 1 }, teachers: ["RotH"] },
    ...{ undistilled: { rules: [] }, variants: { c: { loss: "1vsAll", undistilled: true } } },
  };
}
