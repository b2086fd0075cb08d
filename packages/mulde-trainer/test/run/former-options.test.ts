import { describe, expect, it } from "vitest";
import { distilSchema, parseOptions } from "../../src/index.js";
import { formerOptions } from "../../src/run/former-options.js";
import { optionNames } from "../../src/run/parse.js";
import { failure } from "../_runs.js";

describe("the name of a former version", () => {
  it.each(Object.entries(formerOptions))("%s leads to %s", (former, now) => {
    const { code, path, reason } = failure(() => parseOptions(distilSchema, { [former]: 1 }));
    expect([code, path.join(".")]).toEqual(["TRAINER_OPTION", former]);
    expect(reason).toBe(`this option is called ${now} now.`);
    // What it leads to is there: a rule, or an option by its dotted name.
    const rules = /^rules: \[(\w+|\{ functional: 1\.05 \})\]$/.exec(now);
    if (rules) {
      const rule = now.includes("functional") ? { functional: 1.05 } : rules[1];
      expect(parseOptions(distilSchema, { rules: [rule] }).rules).toEqual([rule]);
    } else {
      expect(optionNames(distilSchema)).toContain(now.replace(/: .*/, ""));
    }
  });

  it("is no option's name today", () => {
    const nouns = new Set(Object.keys(distilSchema.shape));
    expect(Object.keys(formerOptions).filter((former) => nouns.has(former))).toEqual([]);
  });
});
