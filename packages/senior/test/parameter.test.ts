import { describe, expect, it } from "vitest";
import { noScaling, Senior, type Parameter, type Scaling } from "../src/index.js";
import { float64Kernels as kernels } from "./_float64.js";

/** g_i = offset[0] + ... + offset[4] + table[r, i]: a user's scaling with 2R m + 5 values in two parameters. */
function ownScaling(relations: number, teachers: number): Scaling {
  const parameter = (name: string, length: number, rows?: number) => ({
    name,
    ...(rows !== undefined && { rows }),
    value: new Float32Array(length).fill(0.1),
    gradient: new Float32Array(length),
  });
  const table = parameter("table", relations * teachers, relations);
  const offset = parameter("offset", 5);
  return {
    scales(ids, m) {
      const shift = offset.value.reduce((a, b) => a + b);
      return Float32Array.from({ length: ids.length * m }, (_, at) => {
        return shift + table.value[ids[Math.floor(at / m)]! * m + (at % m)]!;
      });
    },
    backward(ids, gradScales) {
      gradScales.forEach((gradient, at) => {
        table.gradient[ids[Math.floor(at / teachers)]! * teachers + (at % teachers)]! += gradient;
        for (let i = 0; i < 5; i++) offset.gradient[i]! += gradient;
      });
    },
    zeroGradients() {
      table.gradient.fill(0);
      offset.gradient.fill(0);
    },
    parameters: () => [table, offset],
  };
}

function seniorOf(...parameters: readonly Parameter[]): Senior {
  return new Senior({
    teachers: 2,
    relations: 4,
    kernels,
    scaling: { ...noScaling(), parameters: () => parameters },
  });
}

const values = (length: number) => ({ value: new Float32Array(length), gradient: new Float32Array(length) });

describe("a Senior's parameters", () => {
  it("train in full, whatever their length", () => {
    const senior = new Senior({ teachers: 2, relations: 4, kernels, scaling: ownScaling(4, 2) });
    const [table, offset] = senior.parameters();
    expect([table!.rows, table!.width, offset!.rows, offset!.width]).toEqual([4, 2, 1, 5]);
    const step = () =>
      senior.step({
        epoch: 0,
        relations: Int32Array.of(1, 3),
        teacherScores: Float32Array.of(1, -2, 3, 0, 2, 2, -1, 1),
        juniorScores: Float32Array.of(0, 1, 1, 0),
        targets: Int32Array.of(0, 1),
        softWeight: 0.5,
        gradJunior: new Float32Array(4),
        B: 2,
        K: 2,
      });
    const first = step();
    for (const { value, gradient } of senior.parameters()) gradient.forEach((g, i) => (value[i]! -= 0.5 * g));
    expect(senior.parameters()[1]!.value.every((v) => v !== Math.fround(0.1))).toBe(true);
    // Rows 0 and 2 belong to relations that the batch does not have.
    expect(Array.from(senior.parameters()[0]!.value, (v) => v !== Math.fround(0.1))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    const second = step();
    expect(0.5 * second.softLoss + second.seniorLoss).toBeLessThan(0.5 * first.softLoss + first.seniorLoss);
  });

  it("are one row, unless they say how many rows or how wide they are", () => {
    const shapes = seniorOf(
      { name: "a", ...values(6) },
      { name: "b", rows: 3, ...values(6) },
      { name: "c", width: 3, ...values(6) },
      { name: "d", rows: 6, width: 1, ...values(6) },
    )
      .parameters()
      .map(({ rows, width }) => [rows, width]);
    expect(shapes).toEqual([
      [1, 6],
      [3, 2],
      [2, 3],
      [6, 1],
    ]);
  });

  it.each([
    [
      "a name twice",
      [
        { name: "w", ...values(2) },
        { name: "w", ...values(3) },
      ],
      "parameters.w: two parameters",
    ],
    ["an empty name", [{ name: "", ...values(2) }], "parameters.0: a parameter of the scaling has no name"],
    ["no name", [values(2) as Parameter], "has no name"],
    ["a name that is no string", [{ ...values(2), name: 7 as unknown as string }], "parameters.0: a parameter"],
    ["no value", [{ name: "w", gradient: new Float32Array(2) } as unknown as Parameter], "must be Float32Arrays"],
    ["a width of 0", [{ name: "w", width: 0, ...values(6) }], "do not hold its 6 values"],
    ["negative rows", [{ name: "w", rows: -2, width: -3, ...values(6) }], "do not hold its 6 values"],
    [
      "a gradient of another length",
      [{ ...values(2), name: "w", gradient: new Float32Array(3) }],
      "value holds 2 values, but gradient 3",
    ],
    ["no gradient", [{ name: "w", value: new Float32Array(2) } as unknown as Parameter], "must be Float32Arrays"],
    ["no values", [{ name: "w", ...values(0) }], "at least one value"],
    [
      "rows that do not divide it",
      [{ name: "w", rows: 4, ...values(6) }],
      "parameters.w: 4 rows x 1.5 values do not hold its 6 values",
    ],
    ["a width that does not divide it", [{ name: "w", width: 4, ...values(6) }], "do not hold its 6 values"],
    [
      "a shape of another size",
      [{ name: "w", rows: 2, width: 2, ...values(6) }],
      "2 rows x 2 values do not hold its 6",
    ],
    ["no rows", [{ name: "w", rows: 0, ...values(6) }], "do not hold its 6 values"],
  ] as const)("are refused with %s when the Senior is made", (_, parameters, text) => {
    expect(() => seniorOf(...parameters)).toThrow(
      expect.objectContaining({ code: "SENIOR_PARAMETER", message: expect.stringContaining(text) as string }),
    );
  });
});
