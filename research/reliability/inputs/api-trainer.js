// @mulde/mulde-trainer called wrongly.
import { loadDataset, syntheticDataset } from "@mulde/datasets";
import { modelTeacher, openModel } from "@mulde/kge-models";
import { distil, evaluateModel, parseExperiment, parseOptions, train, trainSchema } from "@mulde/mulde-trainer";

const options = { model: { name: "RotH", dim: 4 }, epochs: 1 };
const does = (name, call, code, names = []) => ({ name, call, code, names });
const trains = (name, changed, code, names, context = {}) =>
  does(`train: ${name}`, ({ data }) => train({ ...options, ...changed }, { data, ...context }).result, code, names);
const option = (name, changed, names) => trains(name, changed, "TRAINER_OPTION", names);
const withData = (name, changed, names, code = "TRAINER_DATA") =>
  does(`train: ${name}`, ({ data }) => train(options, { data: { ...data, ...changed } }).result, code, names);
const distils = (name, changed, code, names, given = {}) =>
  does(
    `distil: ${name}`,
    ({ data, teachers }) => distil({ ...options, ...given }, { data, teachers, ...changed }).result,
    code,
    names,
  );
const circular = {};
circular.model = circular;
let deep = {};
for (let i = 0; i < 10_000; i++) deep = { model: deep };

export const calls = ({ graph, model }) => ({
  async setUp() {
    const data = await loadDataset(graph);
    const opened = await openModel(model);
    return { data, model: opened.model, teachers: [modelTeacher(opened.model, "a")] };
  },
  cases: [
    does("train: nothing", () => train(), "TRAINER_OPTION"),
    does("train: null options", ({ data }) => train(null, { data }), "TRAINER_OPTION", "map"),
    does("train: text for options", ({ data }) => train("RotH", { data }), "TRAINER_OPTION", "RotH"),
    does("train: a list for options", ({ data }) => train([options], { data }), "TRAINER_OPTION", "array"),
    does("train: no context", () => train(options), "TRAINER_DATA", "data"),
    does("train: no data", () => train(options, {}), "TRAINER_DATA", "data"),
    does("train: data by name", () => train(options, { data: "UMLS" }), "TRAINER_DATA", "data"),
    does(
      "train: a promise of data",
      () => train(options, { data: loadDataset("nowhere/at/all").catch(() => 7) }),
      "TRAINER_DATA",
      "data",
    ),
    option("an option that contains itself", circular, "deep"),
    option("options 10,000 levels deep", deep, "deep"),
    option("a dimension of NaN", { model: { name: "RotH", dim: NaN } }, ["model.dim", "NaN"]),
    option("a dimension of -0", { model: { name: "RotH", dim: -0 } }, "model.dim"),
    option("a dimension as BigInt", { model: { name: "RotH", dim: 4n } }, "model.dim"),
    option("a dimension as a Date", { model: { name: "RotH", dim: new Date(0) } }, "model.dim"),
    option(
      "a dimension as an object that becomes 4",
      { model: { name: "RotH", dim: { valueOf: () => 4 } } },
      "model.dim",
    ),
    option("a model that is a symbol", { model: Symbol("RotH") }, "model"),
    option("a model that is a function", { model: () => "RotH" }, "model"),
    option("a seed of 2^60", { seed: 2 ** 60 }, "seed"),
    option("an unknown rule", { rules: ["own"] }, "rules"),
    option("a rule without its number", { rules: [{ functional: undefined }] }, "rules"),
    option("__proto__ as an option", JSON.parse('{"__proto__": {"epochs": 1}}'), "__proto__"),
    option("an option of an object's own", { toString: 1 }, "toString"),
    withData("no training split", { train: undefined }, "train"),
    withData(
      "an empty training split",
      { train: { heads: new Int32Array(0), relations: new Int32Array(0), tails: new Int32Array(0), length: 0 } },
      "train",
    ),
    withData(
      "ids out of range",
      { train: { heads: Int32Array.of(99), relations: Int32Array.of(0), tails: Int32Array.of(1), length: 1 } },
      "99",
      "DATA_ID_RANGE",
    ),
    withData(
      "negative ids",
      { valid: { heads: Int32Array.of(-1), relations: Int32Array.of(0), tails: Int32Array.of(1), length: 1 } },
      "-1",
      "DATA_ID_RANGE",
    ),
    withData(
      "plain arrays",
      { train: { heads: [0], relations: [0], tails: [1], length: 1 } },
      "heads",
      "DATA_BAD_ARGUMENT",
    ),
    withData(
      "columns of other lengths",
      { train: { heads: Int32Array.of(0, 1), relations: Int32Array.of(0), tails: Int32Array.of(1), length: 1 } },
      "heads",
      "DATA_BAD_ARGUMENT",
    ),
    withData("no entities", { entities: undefined }, "entities"),
    withData("entities as a number", { entities: 4 }, "entities"),
    withData("no relations", { relations: { size: 0 } }, "relations"),
    withData("sizes of NaN", { entities: { size: NaN } }, "entities"),
    trains("a rule that is text", {}, "TRAINER_PART", "rules", { parts: { rules: ["ownHead"] } }),
    trains("rules that are no list", {}, "TRAINER_PART", "rules", { parts: { rules: 7 } }),
    trains("a rule without isWrong", {}, "TRAINER_PART", "isWrong", { parts: { rules: [{ name: "a" }] } }),
    trains("a label without learn", {}, "TRAINER_PART", "learn", { parts: { label: { name: "a" } } }),
    trains("negatives that are a number", {}, "TRAINER_PART", "negatives", { parts: { negatives: 7 } }),
    trains("a checkpoint that is a number", {}, "TRAINER_OPTION", "checkpoint", { checkpoint: 7 }),
    trains("an empty checkpoint", {}, "TRAINER_OPTION", "checkpoint", { checkpoint: "" }),
    trains("minutes of NaN", {}, "TRAINER_OPTION", "checkpointMinutes", { checkpointMinutes: NaN }),
    trains("negative minutes", {}, "TRAINER_OPTION", "checkpointMinutes", { checkpointMinutes: -1 }),
    trains("a signal that is none", {}, "TRAINER_OPTION", "signal", { signal: 7 }),
    trains("kernels that are none", {}, "TRAINER_OPTION", "kernels", { kernels: {} }),
    distils("no teachers", { teachers: [] }, "TRAINER_TEACHERS", "teacher"),
    distils("teachers that are no list", { teachers: 7 }, "TRAINER_TEACHERS", "teachers"),
    distils("a missing list of teachers", { teachers: undefined }, "TRAINER_TEACHERS", "teachers"),
    distils("a model for a teacher", { teachers: [{ name: "a", dim: 4 }] }, "SENIOR_TEACHER", "modelTeacher"),
    distils("null among the teachers", { teachers: [null] }, "SENIOR_TEACHER", "teachers.0"),
    distils(
      "a teacher of other entities",
      { teachers: [{ name: "a", entities: 9, score: () => undefined }] },
      "SENIOR_TEACHER",
      "9",
    ),
    distils("adapting without models", { adapting: [] }, "TRAINER_OPTION", "adaptFrom", {
      epochs: 2,
      soft: { adaptFrom: 1 },
    }),
    distils("adapting that is no list", { adapting: 7 }, "TRAINER_TEACHERS", "adapting", {
      epochs: 2,
      soft: { adaptFrom: 1 },
    }),
    distils("an initial model that is none", { initial: 7 }, "TRAINER_INITIAL", "initial"),
    does("evaluateModel: nothing", () => evaluateModel(), "TRAINER_DATA"),
    does(
      "evaluateModel: an unknown split",
      ({ model: m, data }) => evaluateModel(m, data, "tests"),
      "TRAINER_DATA",
      "tests",
    ),
    does(
      "evaluateModel: data of other sizes",
      ({ model: m }) => evaluateModel(m, syntheticDataset({ entities: 30, triples: 60, relations: 2 })),
      "EVAL_BAD_TRIPLES",
    ),
    does("parseExperiment: nothing", () => parseExperiment(undefined), "TRAINER_OPTION", "missing"),
    does("parseExperiment: null", () => parseExperiment(null), "TRAINER_OPTION", "null"),
    does(
      "parseExperiment: an experiment that contains itself",
      () => parseExperiment(circular),
      "TRAINER_OPTION",
      "deep",
    ),
    does("parseOptions: NaN", () => parseOptions(trainSchema, NaN), "TRAINER_OPTION", "NaN"),
  ],
});
