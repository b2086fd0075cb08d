// @mulde/kge-models called wrongly.
import {
  checkModel,
  createModel,
  decodeSafetensors,
  defineModel,
  encodeSafetensors,
  importModel,
  loadModel,
  modelDefinition,
  modelScorer,
  modelTeacher,
  NamedModel,
  openModel,
  saveModel,
  writeWhole,
} from "@mulde/kge-models";

const ids = (...values) => Int32Array.of(...values);
const does = (name, call, code, names = []) => ({ name, call, code, names });
const config = { model: "RotH", dim: 4, entities: 4, relations: 2 };
const creates = (name, changed, code, names) =>
  does(`createModel: ${name}`, () => createModel({ ...config, ...changed }), code, names);
const asks = (name, query, names = [], options, code = "MODELS_QUERY") =>
  does(`predict: ${name}`, ({ named }) => named.predict(query, options), code, names);
const scores = (name, triples, names = [], code = "MODELS_QUERY") =>
  does(`score: ${name}`, ({ named }) => named.score(triples), code, names);
const head = { head: "Alba", relation: "knows" };

export const calls = ({ model }) => ({
  async setUp() {
    const named = await openModel(model);
    return { named, model: named.model };
  },
  cases: [
    creates("an unknown model", { model: "RotX" }, "MODELS_UNKNOWN_MODEL", "RotX"),
    creates("no model", { model: null }, "MODELS_UNKNOWN_MODEL"),
    creates("a model that is a number", { model: 7 }, "MODELS_UNKNOWN_MODEL", "7"),
    creates("a dimension of 0", { dim: 0 }, "MODELS_CONFIG", "dim"),
    creates("an odd dimension", { dim: 5 }, "MODELS_CONFIG", "dim"),
    creates("a dimension of NaN", { dim: NaN }, "MODELS_CONFIG", "dim"),
    creates("a dimension as text", { dim: "4" }, "MODELS_CONFIG", "dim"),
    creates("a dimension that is infinite", { dim: Infinity }, "MODELS_CONFIG", "dim"),
    creates("no entities", { entities: 0 }, "MODELS_CONFIG", "entities"),
    creates("negative relations", { relations: -1 }, "MODELS_CONFIG", "relations"),
    creates("an unknown curvature", { curvature: "none" }, "MODELS_CONFIG", "curvature"),
    creates("an initial curvature of 0", { initialCurvature: 0 }, "MODELS_CONFIG", "initialCurvature"),
    creates("an initial curvature of NaN", { initialCurvature: NaN }, "MODELS_CONFIG", "initialCurvature"),
    creates("more entities than memory", { entities: 2 ** 31 - 1, dim: 1024 }, "KERNELS_OUT_OF_MEMORY"),
    does("createModel: nothing", () => createModel(), "MODELS_CONFIG", "config"),
    does("openModel: nothing", () => openModel(), "MODELS_SOURCE"),
    does("openModel: a number", () => openModel(7), "MODELS_SOURCE"),
    does("openModel: a directory that is not there", () => openModel("nowhere"), "MODELS_NOT_FOUND", "nowhere"),
    does("openModel: data that is none", () => openModel(model, { data: 7 }), "MODELS_FOREIGN_DATA"),
    does("loadModel: a NUL in the path", () => loadModel("a\0b"), "MODELS_SOURCE"),
    asks("nothing", undefined, "query"),
    asks("null", null, "query"),
    asks("text", "Alba", "query"),
    asks("an empty query", {}, "head"),
    asks("a relation alone", { relation: "knows" }, "head"),
    asks("a whole triple", { ...head, tail: "Bero" }, "score"),
    asks("an unknown part", { ...head, object: "Bero" }, "object"),
    asks("a head that is a number", { head: 0, relation: "knows" }, "head"),
    asks("a head that is null", { head: null, relation: "knows" }, "head"),
    asks("a head that is a list", { head: ["Alba"], relation: "knows" }, "head"),
    asks("an unknown head", { head: "Albo", relation: "knows" }, "Alba", undefined, "MODELS_UNKNOWN_NAME"),
    asks("an id for a name", { head: "0", relation: "knows" }, '"0"', undefined, "MODELS_UNKNOWN_NAME"),
    asks("a top of 0", head, "top", { top: 0 }),
    asks("a top of NaN", head, "top", { top: NaN }),
    asks("a top as text", head, "top", { top: "3" }),
    asks("an infinite top", head, "top", { top: Infinity }),
    asks("an unknown option", head, "k", { k: 3 }),
    asks("options that are a number", head, "options", 3),
    asks("known that is text", head, "known", { known: "graph" }, "MODELS_KNOWN"),
    asks("known that is a list", head, "known", { known: [["Alba", "knows", "Bero"]] }, "MODELS_KNOWN"),
    scores("nothing", undefined, "triples"),
    scores("text", "Alba", "triples"),
    scores("a triple alone", ["Alba", "knows", "Bero"], "0"),
    scores("two names", [["Alba", "knows"]], "0"),
    scores("null among them", [null], "0"),
    scores("numbers", [[0, 0, 1]], "0.head"),
    scores("an unknown name", [["Alba", "knows", "Zoe"]], "0.tail", "MODELS_UNKNOWN_NAME"),
    does("topK: ids out of range", ({ model: m }) => m.topK({ heads: ids(9), relations: ids(0) }, 2), "MODELS_ID", "9"),
    does("topK: a K of 0", ({ model: m }) => m.topK({ heads: ids(0), relations: ids(0) }, 0), "MODELS_SHAPE", "0"),
    does(
      "scoreAll: a relation out of range",
      ({ model: m }) => m.scoreAll({ heads: ids(0), relations: ids(4) }, new Float32Array(4)),
      "MODELS_ID",
      "4",
    ),
    does(
      "score: columns of other lengths",
      ({ model: m }) => m.score({ heads: ids(0), relations: ids(0, 1), tails: ids(1), length: 1 }),
      "MODELS_SHAPE",
      "relations",
    ),
    does(
      "score: plain arrays",
      ({ model: m }) => m.score({ heads: [0], relations: [0], tails: [1], length: 1 }),
      "MODELS_SHAPE",
      "heads",
    ),
    does("table: one that is not there", ({ model: m }) => m.table("entities"), "MODELS_TABLE", "entities"),
    does(
      "modelTeacher: candidates out of range",
      ({ model: m }) => modelTeacher(m, "a").score(ids(0), ids(0), ids(1e6), new Float32Array(1)),
      "MODELS_ID",
      "1000000",
    ),
    does("modelTeacher: no model", () => modelTeacher(undefined, "a"), "MODELS_SHAPE", "model"),
    does("modelScorer: no model", () => modelScorer(undefined), "MODELS_SHAPE", "model"),
    does(
      "NamedModel: too few names",
      ({ model: m }) => new NamedModel(m, { entities: ["a"], relations: ["r", "s"] }),
      "MODELS_NAMES",
      "entities",
    ),
    does("NamedModel: no names", ({ model: m }) => new NamedModel(m, {}), "MODELS_NAMES", "entities"),
    does(
      "saveModel: names with a line end",
      ({ model: m }) => saveModel(m, "out", { entities: ["a\nb", "c", "d", "e"], relations: ["r", "s"] }),
      "MODELS_NAMES",
      "entities",
    ),
    does(
      "saveModel: a name twice",
      ({ model: m }) => saveModel(m, "out", { entities: ["a", "a", "d", "e"], relations: ["r", "s"] }),
      "MODELS_NAMES",
      "a",
    ),
    does(
      "saveModel: names that are numbers",
      ({ model: m }) => saveModel(m, "out", { entities: [1, 2, 3, 4], relations: ["r", "s"] }),
      "MODELS_NAMES",
      "entities",
    ),
    does(
      "saveModel: training with a BigInt",
      ({ model: m }) =>
        saveModel(m, "out", { entities: ["a", "b", "d", "e"], relations: ["r", "s"], training: { a: 1n } }),
      "MODELS_TRAINING",
    ),
    does(
      "saveModel: below a file",
      ({ model: m }) => saveModel(m, "/dev/null/x", { entities: ["a", "b", "d", "e"], relations: ["r", "s"] }),
      "MODELS_WRITE",
      "/dev/null/x",
    ),
    does(
      "saveModel: in proc",
      ({ model: m }) => saveModel(m, "/proc/mulde/x", { entities: ["a", "b", "d", "e"], relations: ["r", "s"] }),
      "MODELS_WRITE",
      "/proc/mulde",
    ),
    does(
      "importModel: an unknown library",
      () => importModel({ from: "tensorflow", model: "RotH" }),
      "MODELS_IMPORT",
      "tensorflow",
    ),
    does("decodeSafetensors: text", () => decodeSafetensors("abc", "x"), "SAFETENSORS_HEADER", "x"),
    does("decodeSafetensors: nothing", () => decodeSafetensors(new Uint8Array(0), "x"), "SAFETENSORS_TRUNCATED", "x"),
    does(
      "encodeSafetensors: a shape that does not fit",
      () => encodeSafetensors({ a: { shape: [3], data: new Float32Array(2) } }),
      "SAFETENSORS_SHAPE",
      "a",
    ),
    does(
      "encodeSafetensors: the reserved name",
      () => encodeSafetensors({ __metadata__: { shape: [1], data: new Float32Array(1) } }),
      "SAFETENSORS_NAME",
      "__metadata__",
    ),
    does("writeWhole: below a file", () => writeWhole("/dev/null/x", "a"), "FILE_WRITE", "/dev/null/x"),
    does(
      "modelDefinition: a name of every object",
      () => modelDefinition("constructor"),
      "MODELS_UNKNOWN_MODEL",
      "constructor",
    ),
    does("defineModel: nothing", () => defineModel(), "MODELS_DEFINITION"),
    does("defineModel: no encoder", () => defineModel({ name: "X" }), "MODELS_DEFINITION"),
    does("checkModel: nothing", () => checkModel(), "MODELS_DEFINITION"),
  ],
});
