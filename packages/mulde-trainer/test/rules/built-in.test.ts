import { indexAnswers, tripleList } from "@mulde/datasets";
import { describe, expect, it } from "vitest";
import { distilSchema, parseOptions } from "../../src/index.js";
import { builtInRules } from "../../src/rules/built-in.js";
import { failure } from "../_runs.js";

const index = indexAnswers(4, 1, tripleList(Int32Array.of(0, 1), new Int32Array(2), Int32Array.of(1, 2)));

describe("rules that options name", () => {
  it("are made in their order, over the answers of the training split", () => {
    const names = ["neighbours", { functional: 1.05 }, "ownHead", { functional: 2 }] as const;
    const rules = builtInRules(names, () => index);
    expect(rules.map(({ name }) => name)).toEqual(["neighbours", "functional 1.05", "ownHead", "functional 2"]);
    expect(rules[2]!.isWrong(3, 0, 3)).toBe(true);
  });

  it("do not ask for answers where there are none", () => {
    const unasked = (): never => {
      throw new Error("asked");
    };
    expect(builtInRules([], unasked)).toEqual([]);
    expect(() => builtInRules(["ownHead"], unasked)).toThrow("asked");
  });

  it.each([["ownHeads"], [{ functional: "few" }], [{ functional: 1.05, ownHead: true }], [7]])(
    "are refused if there is none of that name: %j",
    (rule) => {
      const { code, path, reason } = failure(() => parseOptions(distilSchema, { rules: ["ownHead", rule] }));
      expect([code, path.slice(0, 2)]).toEqual(["TRAINER_OPTION", ["rules", 1]]);
      expect(reason).not.toBe("");
    },
  );
});
