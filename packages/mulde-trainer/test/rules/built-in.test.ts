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

  const oneOf = "must be one of ownHead, neighbours, { functional: 1.05 }";
  it.each([
    ["ownHeads", oneOf],
    [7, oneOf],
    [{ functional: "few" }, oneOf],
    [{ functional: 0 }, ">0"],
    [{ functional: 1.05, ownHead: true }, "no such option"],
  ])("are refused if there is none of that name: %j", (rule, why) => {
    const { code, path, reason } = failure(() => parseOptions(distilSchema, { rules: ["ownHead", rule] }));
    expect([code, path.slice(0, 2)]).toEqual(["TRAINER_OPTION", ["rules", 1]]);
    expect(reason).toContain(why);
  });

  it("are taken as they are named", () => {
    const rules = ["neighbours", { functional: 2.5 }, "ownHead"];
    expect(parseOptions(distilSchema, { rules }).rules).toEqual(rules);
  });
});
