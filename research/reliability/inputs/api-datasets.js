// @mulde/datasets called wrongly.
import {
  createDataset,
  datasetInfo,
  fetchDataset,
  indexAnswers,
  loadDataset,
  readTriples,
  splitTriples,
  syntheticDataset,
  tripleList,
  Vocabulary,
  withReciprocals,
} from "@mulde/datasets";

const ids = (...values) => Int32Array.of(...values);
const list = (heads, relations, tails) => ({ heads, relations, tails, length: heads.length });
const triples = list(ids(0), ids(0), ids(1));
const does = (name, call, code, names = []) => ({ name, call, code, names });
const entities = Vocabulary.fromNames(["a", "b"]);
const relations = Vocabulary.fromNames(["r"]);
const whole = { name: "x", entities, relations, train: triples, valid: triples, test: triples };
const makes = (name, changed, code, names) =>
  does(`createDataset: ${name}`, () => createDataset({ ...whole, ...changed }), code, names);
const draws = (name, changed, names) =>
  does(
    `syntheticDataset: ${name}`,
    () => syntheticDataset({ entities: 30, triples: 60, ...changed }),
    "DATA_BAD_OPTION",
    names,
  );

export const calls = ({ graph }) => ({
  cases: [
    does("loadDataset: nothing", () => loadDataset(), "DATA_BAD_ARGUMENT", "nameOrPath"),
    does("loadDataset: a number", () => loadDataset(7), "DATA_BAD_ARGUMENT", "nameOrPath"),
    does("loadDataset: an unknown option", () => loadDataset(graph, { columns: "xyz" }), "DATA_BAD_OPTION", "columns"),
    does("loadDataset: a NUL in the path", () => loadDataset("./a\0b"), "DATA_BAD_ARGUMENT", "nameOrPath"),
    does("readTriples: nothing", () => readTriples(), "DATA_BAD_ARGUMENT", "path"),
    does(
      "readTriples: an empty delimiter",
      () => readTriples(`${graph}/train.txt`, { delimiter: "" }),
      "DATA_BAD_OPTION",
      "delimiter",
    ),
    does(
      "readTriples: literals that are none",
      () => readTriples(`${graph}/train.txt`, { literals: "keep" }),
      "DATA_BAD_OPTION",
      "literals",
    ),
    does("fetchDataset: nothing", () => fetchDataset(), "DATA_BAD_ARGUMENT", "name"),
    does(
      "fetchDataset: offline",
      () => fetchDataset("UMLS", { offline: true, cacheDir: "/dev/null/cache" }),
      "DATA_CACHE",
      "/dev/null/cache",
    ),
    does(
      "datasetInfo: a name of every object",
      () => datasetInfo("constructor"),
      "DATA_UNKNOWN_DATASET",
      "constructor",
    ),
    makes("an empty name of an entity", { entities: ["", "b"] }, "DATA_BAD_ARGUMENT", "entities"),
    does("Vocabulary: a name with a line end", () => Vocabulary.fromNames(["a\nb"]), "DATA_BAD_NAME", "line"),
    does("Vocabulary: an empty name", () => Vocabulary.fromNames([""]), "DATA_BAD_NAME", "empty"),
    does("Vocabulary: a name twice", () => Vocabulary.fromNames(["a", "a"]), "DATA_DUPLICATE_NAME", "a"),
    does("Vocabulary: numbers", () => Vocabulary.fromNames([1, 2]), "DATA_BAD_ARGUMENT", "names"),
    does("Vocabulary: an id out of range", () => entities.name(7), "DATA_ID_RANGE", "7"),
    does("Vocabulary: an unknown name", () => entities.id("c"), "DATA_UNKNOWN_NAME", "c"),
    makes("ids out of range", { train: list(ids(7), ids(0), ids(1)) }, "DATA_ID_RANGE", "7"),
    makes("a negative id", { test: list(ids(0), ids(-1), ids(1)) }, "DATA_ID_RANGE", "-1"),
    makes("no train split", { train: undefined }, "DATA_BAD_ARGUMENT", "train"),
    makes("plain arrays", { train: list([0], [0], [1]) }, "DATA_BAD_ARGUMENT", "train"),
    makes("no vocabulary", { entities: undefined }, "DATA_BAD_ARGUMENT", "entities"),
    does("createDataset: nothing", () => createDataset(), "DATA_BAD_ARGUMENT"),
    does("tripleList: columns of other lengths", () => tripleList([0], [0, 1], [1]), "DATA_SHAPE"),
    does("tripleList: nothing", () => tripleList(), "DATA_BAD_ARGUMENT", "heads"),
    does("tripleList: fractions", () => tripleList([0.5], [0], [1]), "DATA_ID_RANGE", "heads"),
    does("withReciprocals: a relation out of range", () => withReciprocals(triples, 0), "DATA_ID_RANGE", "relations"),
    does("splitTriples: shares of NaN", () => splitTriples(triples, 2, 1, { valid: NaN }), "DATA_BAD_OPTION", "valid"),
    does(
      "splitTriples: shares beyond 1",
      () => splitTriples(triples, 2, 1, { valid: 0.7, test: 0.7 }),
      "DATA_BAD_OPTION",
      "valid",
    ),
    does(
      "splitTriples: ids out of range",
      () => splitTriples(list(ids(9), ids(0), ids(1)), 2, 1),
      "DATA_ID_RANGE",
      "9",
    ),
    does("indexAnswers: nothing", () => indexAnswers(), "DATA_BAD_ARGUMENT"),
    draws("no entities", { entities: 0 }, "entities"),
    draws("fewer triples than entities", { triples: 3 }, "triples"),
    draws("more triples than there can be", { triples: 1e6, relations: 1 }, "triples"),
    draws("a negative exponent", { exponent: -1 }, "exponent"),
    draws("a seed of NaN", { seed: NaN }, "seed"),
  ],
});
