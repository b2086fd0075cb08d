import { expect, test } from "vitest";
import {
  checkTeachers,
  contrastAttention,
  fixedWeights,
  scoreTable,
  Senior,
  type SeniorOptions,
} from "../src/index.js";
import { seniorStepReference } from "../src/reference.js";

/** What callers without a compiler may pass. */
const any = (value: unknown): never => value as never;
const options: SeniorOptions = { teachers: 1, relations: 2, kernels: { seniorStep: seniorStepReference } };
const made = (changed: Readonly<Record<string, unknown>>) => () => new Senior({ ...options, ...changed });
const table = {
  heads: Int32Array.of(0),
  relations: Int32Array.of(0),
  tails: Int32Array.of(1),
  scores: Float32Array.of(1),
};

test.each<[string, () => unknown, string, object]>([
  ["no options", () => new Senior(any(undefined)), "SENIOR_PART", { path: ["options"] }],
  ["no kernels", made({ kernels: undefined }), "SENIOR_PART", { path: ["kernels"] }],
  ["kernels without a step", made({ kernels: {} }), "SENIOR_PART", { path: ["kernels"] }],
  ["a scaling by name", made({ scaling: "relation" }), "SENIOR_PART", { path: ["scaling"] }],
  ["an attention by name", made({ attention: "contrast" }), "SENIOR_PART", { path: ["attention"] }],
  ["a normalization by name", made({ normalization: "zScore" }), "SENIOR_PART", { path: ["normalization"] }],
  [
    "teachers as a list",
    made({ teachers: [] }),
    "SENIOR_SHAPE",
    { message: expect.stringContaining("an array") as unknown },
  ],
  ["no step", () => new Senior(options).step(any(undefined)), "SENIOR_PART", { path: ["step"] }],
  [
    "a schedule that is no function",
    () => contrastAttention({ schedule: any(7) }),
    "SENIOR_PART",
    { path: ["schedule"] },
  ],
  [
    "no list of teachers",
    () => checkTeachers(any("a"), { entities: 1, relations: 1 }),
    "SENIOR_TEACHER",
    { path: ["teachers"] },
  ],
  [
    "a teacher that is null",
    () => checkTeachers([any(null)], { entities: 1, relations: 1 }),
    "SENIOR_TEACHER",
    { path: ["teachers", 0] },
  ],
  ["a table of nothing", () => scoreTable("a", any(undefined)), "SENIOR_PART", { path: ["triples"] }],
  [
    "a table of negative ids",
    () => scoreTable("a", { ...table, tails: Int32Array.of(-1) }),
    "SENIOR_ID",
    { value: -1 },
  ],
  ["weights that are text", () => fixedWeights(any("1")), "SENIOR_SHAPE", { value: "1" }],
])("%s is refused by name", (_, call, code, fields) => {
  expect(call).toThrow(expect.objectContaining({ code, ...fields }));
});

test.each(["relations", "teacherScores", "juniorScores", "targets", "gradJunior"])(
  "a step without %s is refused by name",
  (field) => {
    const step = {
      ...{ epoch: 0, B: 1, K: 2, softWeight: 1, relations: Int32Array.of(0), targets: Int32Array.of(0) },
      ...{ teacherScores: new Float32Array(2), juniorScores: new Float32Array(2), gradJunior: new Float32Array(2) },
    };
    expect(() => new Senior(options).step({ ...step, [field]: undefined })).toThrow(
      expect.objectContaining({
        code: "SENIOR_SHAPE",
        message: expect.stringContaining(`${field} must be an array`) as unknown,
      }),
    );
  },
);
