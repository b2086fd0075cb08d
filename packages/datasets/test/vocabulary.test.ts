import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Vocabulary } from "../src/index.js";

describe("a vocabulary", () => {
  it("numbers names by their position and gives both ways", () => {
    const names = ["b", "a", "日本", "𝔘", "\uFEFFmarked", ""];
    const vocabulary = Vocabulary.fromNames(names);
    expect(vocabulary.size).toBe(6);
    expect([...vocabulary]).toEqual(names);
    expect(vocabulary.names).toEqual(names);
    names.forEach((name, id) => {
      expect(vocabulary.id(name)).toBe(id);
      expect(vocabulary.name(id)).toBe(name);
    });
  });

  it("keeps any distinct names", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: "grapheme" }), { maxLength: 600 }), (names) => {
        const vocabulary = Vocabulary.fromNames(names);
        expect(vocabulary.names).toEqual(names);
        expect(names.map((name) => vocabulary.id(name))).toEqual(names.map((_, id) => id));
      }),
    );
  });

  it("suggests the closest name for an unknown one, if any is close", () => {
    const vocabulary = Vocabulary.fromNames(["_hypernym", "_has_part", "_verb_group"]);
    expect(vocabulary.has("_hypernim")).toBe(false);
    expect(() => vocabulary.id("_hypernim")).toThrow(/did you mean "_hypernym"/);
    expect(() => vocabulary.id("_HAS_PART")).toThrow(/did you mean "_has_part"/);
    expect(() => vocabulary.id("something else")).toThrow(
      expect.objectContaining({
        code: "DATA_UNKNOWN_NAME",
        value: "something else",
        message: 'There is no "something else" among 3 names; use one of the vocabulary\'s names.',
      }),
    );
  });

  it("refuses duplicates and ids outside", () => {
    expect(() => Vocabulary.fromNames(["a", "b", "a"])).toThrow(
      expect.objectContaining({ code: "DATA_DUPLICATE_NAME", value: "a" }),
    );
    const vocabulary = Vocabulary.fromNames(["a"]);
    for (const id of [-1, 1, 0.5, NaN]) expect(() => vocabulary.name(id)).toThrow(/is not an integer in 0..0/);
  });
});
