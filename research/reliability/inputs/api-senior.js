// @mulde/senior called wrongly.
import {
  checkTeachers,
  collectScores,
  confidenceWeights,
  contrastAttention,
  fixedWeights,
  functionTeacher,
  paperSchedule,
  recordScores,
  relationScaling,
  scoreTable,
  Senior,
  seniorTeacher,
  softmaxWeights,
  uniformAverage,
  withTemperature,
} from "@mulde/senior";
import { readScores, writeScores } from "@mulde/senior/parquet";
import { createKernels } from "@mulde/kernels";

const ids = (...values) => Int32Array.of(...values);
const floats = (...values) => Float32Array.of(...values);
const shape = { teachers: 2, relations: 4, kernels: await createKernels({ threads: 1 }) };
const teacher = { name: "a", score: (_h, _r, _c, out) => out.fill(1) };
const batch = {
  epoch: 0,
  relations: ids(0),
  teacherScores: new Float32Array(4).fill(1),
  juniorScores: floats(1, 2),
  B: 1,
  K: 2,
};
const step = { ...batch, targets: ids(0), softWeight: 1, gradJunior: new Float32Array(2) };
const data = { entities: 4, relations: 2 };
const table = { heads: ids(0), relations: ids(0), tails: ids(1), scores: floats(1) };
const does = (name, call, code, names = []) => ({ name, call, code, names });
const made = (name, changed, code, names) =>
  does(`Senior: ${name}`, () => new Senior({ ...shape, ...changed }), code, names);
const steps = (name, changed, code, names, options = {}) =>
  does(`step: ${name}`, () => new Senior({ ...shape, ...options }).step({ ...step, ...changed }), code, names);
const teachers = (name, given, names) =>
  does(`checkTeachers: ${name}`, () => checkTeachers(given, data), "SENIOR_TEACHER", names);
const collects = (name, by, code = "SENIOR_TEACHER_FAILED", names = '"b"') =>
  does(
    `collectScores: ${name}`,
    () => collectScores([{ name: "b", ...by }], ids(0), ids(0), ids(0, 1), floats(0, 0)),
    code,
    names,
  );

export const calls = () => ({
  cases: [
    made("no teachers", { teachers: 0 }, "SENIOR_SHAPE", "teachers"),
    made("half a teacher", { teachers: 1.5 }, "SENIOR_SHAPE", "teachers"),
    made("teachers as a list", { teachers: [teacher] }, "SENIOR_SHAPE", "teachers"),
    made("no relations", { relations: 0 }, "SENIOR_SHAPE", "relations"),
    made("NaN relations", { relations: NaN }, "SENIOR_SHAPE", "relations"),
    made("a temperature of 0", { temperature: 0 }, "SENIOR_TEMPERATURE", "temperature"),
    made("a negative temperature", { temperature: -1 }, "SENIOR_TEMPERATURE", "temperature"),
    made("an infinite temperature", { temperature: Infinity }, "SENIOR_TEMPERATURE", "temperature"),
    made("a temperature as text", { temperature: "warm" }, "SENIOR_TEMPERATURE", "temperature"),
    made("no kernels", { kernels: undefined }, "SENIOR_PART", "kernels"),
    made("kernels without seniorStep", { kernels: {} }, "SENIOR_PART", "kernels"),
    made("a scaling by name", { scaling: "relation" }, "SENIOR_PART", "scaling"),
    made("a scaling without parameters", { scaling: { scales: () => floats() } }, "SENIOR_PART", "backward"),
    made("an attention by name", { attention: "contrast" }, "SENIOR_PART", "attention"),
    made("a normalization by name", { normalization: "zScore" }, "SENIOR_PART", "normalization"),
    does("Senior: nothing", () => new Senior(), "SENIOR_PART", "options"),
    does("uniformAverage: nothing", () => uniformAverage({}), "SENIOR_SHAPE", "teachers"),
    steps("a batch of 0", { B: 0 }, "SENIOR_SHAPE", "B"),
    steps("a negative batch", { B: -1 }, "SENIOR_SHAPE", "B"),
    steps("no candidates", { K: 0 }, "SENIOR_SHAPE", "K"),
    steps("more candidates than scores", { K: 3 }, "SENIOR_SHAPE", "teacherScores"),
    steps("scores of one teacher", { teacherScores: floats(1, 2) }, "SENIOR_SHAPE", "teacherScores"),
    steps("scores as a plain array", { teacherScores: [1, 1, 1, 1] }, "KERNELS_BAD_ARGUMENT", "teacherScores"),
    steps("no scores", { teacherScores: undefined }, "SENIOR_SHAPE", "teacherScores"),
    steps("no scores of the Junior", { juniorScores: null }, "SENIOR_SHAPE", "juniorScores"),
    steps("a stride below K", { stride: 1 }, "SENIOR_SHAPE", "stride"),
    steps("a stride of NaN", { stride: NaN }, "SENIOR_SHAPE", "stride"),
    steps("a relation out of range", { relations: ids(4) }, "SENIOR_ID", "relations[0]"),
    steps("a negative relation", { relations: ids(-1) }, "SENIOR_ID", "relations[0]"),
    steps("a target beyond K", { targets: ids(2) }, "SENIOR_ID", "targets[0]"),
    steps("a target of -2", { targets: ids(-2) }, "SENIOR_ID", "targets[0]"),
    steps("no targets", { targets: undefined }, "SENIOR_SHAPE", "targets"),
    steps("no gradient", { gradJunior: undefined }, "SENIOR_SHAPE", "gradJunior"),
    steps("a gradient that is too short", { gradJunior: floats(0) }, "SENIOR_SHAPE", "gradJunior"),
    steps("weights that are too short", { weights: floats(0) }, "SENIOR_SHAPE", "weights"),
    steps("a negative soft weight", { softWeight: -1 }, "SENIOR_SOFT_WEIGHT", "softWeight"),
    steps("a soft weight of NaN", { softWeight: NaN }, "SENIOR_SOFT_WEIGHT", "softWeight"),
    steps("an epoch of -1", { epoch: -1 }, "SENIOR_EPOCH", "epoch"),
    steps("an epoch of NaN", { epoch: NaN }, "SENIOR_EPOCH", "epoch"),
    steps("a teacher's NaN", { teacherScores: floats(1, NaN, 1, 1) }, "SENIOR_TEACHER_NOT_FINITE", "Teacher 0"),
    steps(
      "a teacher's infinity",
      { teacherScores: floats(1, 1, 1, -Infinity) },
      "SENIOR_TEACHER_NOT_FINITE",
      "Teacher 1",
    ),
    steps("the Junior's NaN", { juniorScores: floats(NaN, 1) }, "SENIOR_NOT_FINITE", "Junior"),
    does("step: nothing", () => new Senior(shape).step(), "SENIOR_PART", "step"),
    does("scales: ids out of range", () => new Senior(shape).scales(ids(99)), "SENIOR_ID", "relations[0]"),
    teachers("none", [], "teacher"),
    teachers("no list", undefined, "teachers"),
    teachers("text", "models/a", "teachers"),
    teachers("null among them", [null], "teachers.0"),
    teachers("a function", [() => 1], "teachers.0"),
    teachers("one without a score", [{ name: "a" }], "score"),
    teachers("one without a name", [{ score: () => 1 }], "teachers.0"),
    teachers("one with a number for a name", [{ name: 7, score: () => 1 }], "teachers.0"),
    teachers("two of one name", [teacher, teacher], "teachers.1"),
    teachers("one of other entities", [{ ...teacher, entities: 5 }], "5"),
    teachers("one of other relations", [{ ...teacher, relations: 4 }], "4"),
    collects("a teacher that writes nothing", { score: () => undefined }, "SENIOR_TEACHER_NOT_FINITE"),
    collects("a teacher that writes NaN", { score: (_h, _r, _c, out) => out.fill(NaN) }, "SENIOR_TEACHER_NOT_FINITE"),
    collects(
      "a teacher that writes infinity",
      { score: (_h, _r, _c, out) => out.fill(-Infinity) },
      "SENIOR_TEACHER_NOT_FINITE",
    ),
    collects("a teacher that throws", {
      score: () => {
        throw new Error("no such luck");
      },
    }),
    collects("a teacher that throws text", {
      score: () => {
        throw "no such luck";
      },
    }),
    collects("a teacher that rejects", { score: () => Promise.reject(new Error("no such luck")) }),
    collects("a teacher that throws null", {
      score: () => {
        throw null;
      },
    }),
    does(
      "collectScores: candidates that do not fit",
      () => collectScores([teacher], ids(0, 1), ids(0, 0), ids(0, 1, 2), floats(0, 0, 0)),
      "SENIOR_SHAPE",
      "candidates",
    ),
    does(
      "collectScores: relations of another length",
      () => collectScores([teacher], ids(0, 1), ids(0), ids(0, 1), floats(0, 0)),
      "SENIOR_SHAPE",
      "relations",
    ),
    does(
      "collectScores: no teachers",
      () => collectScores([], ids(0), ids(0), ids(0), floats(0)),
      "SENIOR_SHAPE",
      "teacher",
    ),
    does(
      "functionTeacher: too few scores",
      () => functionTeacher("a", () => [1]).score(ids(0), ids(0), ids(0, 1), floats(0, 0)),
      "SENIOR_TEACHER_LENGTH",
      "1",
    ),
    does("functionTeacher: no name", () => functionTeacher(undefined, () => 1), "SENIOR_TEACHER", "name"),
    does(
      "scoreTable: columns of other lengths",
      () => scoreTable("a", { ...table, scores: floats(1, 2) }),
      "SENIOR_SHAPE",
      "scores",
    ),
    does("scoreTable: negative ids", () => scoreTable("a", { ...table, heads: ids(-1) }), "SENIOR_ID", "heads"),
    does("scoreTable: a NaN", () => scoreTable("a", { ...table, scores: floats(NaN) }), "SENIOR_TABLE", "score"),
    does("scoreTable: nothing", () => scoreTable("a"), "SENIOR_PART", "triples"),
    does(
      "scoreTable: a query that it lacks",
      () => scoreTable("a", table).score(ids(3), ids(0), ids(1), floats(0)),
      "SENIOR_TABLE_QUERY",
      "head 3",
    ),
    does("readScores: a number", () => readScores(7), "SENIOR_TABLE_FILE"),
    does("readScores: nothing there", () => readScores("nowhere.parquet"), "SENIOR_TABLE_FILE", "nowhere.parquet"),
    does(
      "writeScores: a place that is not there",
      () => writeScores("nowhere/x.parquet", table),
      "SENIOR_TABLE_FILE",
      "nowhere/x.parquet",
    ),
    does(
      "recordScores: a top of 0",
      () => recordScores(teacher, { heads: ids(0), relations: ids(0), entities: 4, top: 0 }),
      "SENIOR_SHAPE",
      "top",
    ),
    does("withTemperature: 0", () => withTemperature(teacher, 0), "SENIOR_TEMPERATURE", "temperature"),
    does("withTemperature: text", () => withTemperature(teacher, "hot"), "SENIOR_TEMPERATURE", "temperature"),
    does(
      "contrastAttention: a schedule that is none",
      () => contrastAttention({ schedule: 7 }),
      "SENIOR_PART",
      "schedule",
    ),
    does(
      "contrastAttention: a schedule of NaN",
      () => new Senior({ ...shape, attention: contrastAttention({ schedule: () => NaN }) }).step(step),
      "SENIOR_TEMPERATURE",
      "NaN",
    ),
    does("paperSchedule: an epoch of -1", () => paperSchedule(-1), "SENIOR_EPOCH", "epoch"),
    does(
      "relationScaling: no relations",
      () => relationScaling({ relations: 0, teachers: 2 }),
      "SENIOR_SHAPE",
      "relations",
    ),
    does(
      "softmaxWeights: no teachers",
      () => softmaxWeights({ relations: 4, teachers: 0 }),
      "SENIOR_SHAPE",
      "teachers",
    ),
    does("fixedWeights: none", () => fixedWeights([]), "SENIOR_WEIGHTS"),
    does("fixedWeights: a NaN", () => fixedWeights([1, NaN]), "SENIOR_WEIGHTS"),
    does("fixedWeights: text", () => fixedWeights("1"), "SENIOR_SHAPE"),
    does(
      "confidenceWeights: a negative alpha",
      () => confidenceWeights(floats(1), { alpha: -1, beta: 0 }, { soft: floats(0), hard: floats(0) }),
      "SENIOR_CONFIDENCE",
    ),
    does("seniorTeacher: no teachers", () => seniorTeacher(new Senior(shape), [teacher]), "SENIOR_SHAPE", "2"),
  ],
});
