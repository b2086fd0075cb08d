import { describe, expect, it } from "vitest";
import { contrastAttention, MuldeError, paperSchedule, uniformAttention } from "../src/index.js";

describe("paperSchedule", () => {
  it("is exp(floor(t / 5))", () => {
    expect(paperSchedule(0)).toBe(1);
    expect(paperSchedule(4)).toBe(1);
    expect(paperSchedule(5)).toBeCloseTo(2.718281828459045, 12); // e^1
    expect(paperSchedule(9)).toBe(paperSchedule(5));
    expect(paperSchedule(25)).toBeCloseTo(148.4131591025766, 9); // e^5
  });

  it("never overflows, not even as a float32, and never falls", () => {
    let last = 0;
    for (let epoch = 0; epoch <= 5000; epoch++) {
      const tau = paperSchedule(epoch);
      expect(Number.isFinite(Math.fround(tau))).toBe(true);
      expect(tau).toBeGreaterThanOrEqual(last);
      last = tau;
    }
    expect(paperSchedule(1e9)).toBe(paperSchedule(5000));
  });

  it("refuses an epoch below 0 or NaN", () => {
    for (const epoch of [-1, NaN]) {
      expect(() => paperSchedule(epoch)).toThrow(/counted from 0/);
      expect(() => paperSchedule(epoch)).toThrow(expect.objectContaining({ code: "SENIOR_EPOCH", value: epoch }));
    }
  });
});

describe("contrastAttention", () => {
  it("follows the paper's schedule unless given another", () => {
    expect(contrastAttention().temperature(25)).toBe(paperSchedule(25));
    expect(contrastAttention({ schedule: (epoch) => 2 + epoch }).temperature(3)).toBe(5);
  });

  it("refuses a schedule that gives NaN, 0 or less", () => {
    for (const tau of [0, -1, NaN]) {
      expect(() => contrastAttention({ schedule: () => tau }).temperature(7)).toThrow(
        expect.objectContaining({
          code: "SENIOR_TEMPERATURE",
          value: tau,
          message: expect.stringContaining("epoch 7") as string,
        }),
      );
    }
    expect(() => contrastAttention({ schedule: () => 0 }).temperature(0)).toThrow(MuldeError);
  });
});

describe("uniformAttention", () => {
  it("has an infinite temperature in every epoch", () => {
    expect(uniformAttention().temperature(0)).toBe(Infinity);
    expect(uniformAttention().temperature(500)).toBe(Infinity);
  });
});
