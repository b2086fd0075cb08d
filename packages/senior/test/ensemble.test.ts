import { describe, expect, it } from "vitest";
import { collectScores, noScaling, relationScaling, Senior, seniorTeacher, type Teacher } from "../src/index.js";
import { float64Kernels as kernels } from "./_float64.js";

const constant = (name: string, value: number): Teacher => ({
  name,
  score: (_heads, _relations, tails, out) => {
    tails.forEach((tail, at) => (out[at] = value * tail));
  },
});

describe("seniorTeacher", () => {
  it("is the mean of the scaled scores, with the scales of each query's relation", async () => {
    const scaling = relationScaling({ relations: 2, teachers: 2 });
    // Scales: relation 0 (1/2, 3/4), relation 1 (1/4, 1/2).
    scaling.parameters()[0]!.value.set([0, Math.log(3), -Math.log(3), 0]);
    const senior = new Senior({ teachers: 2, relations: 2, kernels, scaling });
    const teacher = seniorTeacher(senior, [constant("a", 8), constant("b", -16)]);
    expect(teacher.name).toBe("Senior");
    const out = new Float32Array(4).fill(9);
    await teacher.score(Int32Array.of(0, 0), Int32Array.of(1, 0), Int32Array.of(1, 2, 1, 3), out);
    // (8/4 - 16/2) / 2 = -3 per unit for relation 1; (8/2 - 16 * 3/4) / 2 = -4 for relation 0.
    [-3, -6, -4, -12].forEach((score, at) => expect(out[at]).toBeCloseTo(score, 5));
  });

  it("states the sizes of its teachers, and refuses teachers of different sizes", () => {
    const senior = new Senior({ teachers: 2, relations: 1, kernels });
    const sized = (name: string, entities?: number): Teacher => ({ ...constant(name, 1), entities, relations: 3 });
    expect(seniorTeacher(senior, [sized("a"), sized("b", 7)])).toMatchObject({ entities: 7, relations: 3 });
    expect(seniorTeacher(senior, [constant("a", 1), constant("b", 1)]).entities).toBeUndefined();
    expect(() => seniorTeacher(senior, [sized("a", 7), sized("b", 8)])).toThrow(
      expect.objectContaining({
        code: "SENIOR_TEACHER",
        message: expect.stringContaining('"b" scores 8 entities, but teacher "a" 7') as string,
        value: 8,
      }),
    );
    const other = { ...sized("c"), relations: 4 };
    expect(() => seniorTeacher(senior, [sized("a"), other])).toThrow('"c" scores 4 relations, but teacher "a" 3');
  });

  it("is a teacher like any other, so Seniors nest", async () => {
    const senior = new Senior({ teachers: 2, relations: 1, kernels, scaling: noScaling() });
    const inner = seniorTeacher(senior, [constant("a", 2), constant("b", 4)], "inner");
    const outer = seniorTeacher(senior, [inner, constant("c", 5)], "outer");
    const out = new Float32Array(2);
    await collectScores([outer], Int32Array.of(0), Int32Array.of(0), Int32Array.of(1, 10), out);
    expect(Array.from(out)).toEqual([4, 40]);
  });

  it("names the teacher that gives a score that is not finite", async () => {
    const senior = new Senior({ teachers: 2, relations: 1, kernels });
    // One that says that it writes all is not scanned, and named all the same.
    for (const writesAll of [false, true]) {
      const teacher = seniorTeacher(senior, [constant("good", 1), { ...constant("broken", NaN), writesAll }]);
      await expect(
        teacher.score(Int32Array.of(0), Int32Array.of(0), Int32Array.of(1), new Float32Array(1)),
      ).rejects.toMatchObject({
        code: "SENIOR_TEACHER_NOT_FINITE",
        message: expect.stringContaining('"broken"') as string,
      });
    }
  });

  it("asks each teacher once", async () => {
    const asked: string[] = [];
    const teacher = (name: string): Teacher => ({
      name,
      score: (_h, _r, _c, out) => (asked.push(name), out.fill(1), undefined),
    });
    const senior = new Senior({ teachers: 2, relations: 1, kernels });
    const one = Int32Array.of(0);
    await seniorTeacher(senior, [teacher("a"), teacher("b")]).score(one, one, one, new Float32Array(1));
    expect(asked).toEqual(["a", "b"]);
  });

  it("refuses another number of teachers than the Senior's, and buffers that do not fit", async () => {
    const senior = new Senior({ teachers: 2, relations: 1, kernels });
    expect(() => seniorTeacher(senior, [constant("a", 1)])).toThrow(
      expect.objectContaining({
        code: "SENIOR_SHAPE",
        message: expect.stringContaining("made for 2 teachers, but gets 1") as string,
      }),
    );
    const teacher = seniorTeacher(senior, [constant("a", 1), constant("b", 1)]);
    const one = Int32Array.of(0);
    await expect(teacher.score(one, one, Int32Array.of(1, 2), new Float32Array(1))).rejects.toThrow(
      "out must hold B x K = 2 values, but holds 1",
    );
    await expect(teacher.score(one, new Int32Array(2), one, new Float32Array(1))).rejects.toThrow(
      "relations must hold B = 1 values, but holds 2",
    );
    await expect(teacher.score(one, Int32Array.of(1), one, new Float32Array(1))).rejects.toThrow("relations[0] is 1");
  });
});
