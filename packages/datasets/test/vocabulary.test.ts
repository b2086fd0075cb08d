import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Vocabulary } from "../src/index.js";

describe("a vocabulary", () => {
  it("numbers names by their position and gives both ways", () => {
    const names = ["b", "a", "日本", "𝔘", "\uFEFFmarked", " "];
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
      fc.property(fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1 }), { maxLength: 600 }), (names) => {
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

  it("refuses names that a model directory cannot hold, and says where they are", () => {
    const refused = {
      "a\tb": "a tab",
      "a\nb": "a line feed",
      "a\r": "a carriage return",
      "\0": "a NUL",
      "": "is empty",
    };
    for (const [name, fault] of [...Object.entries(refused), ["a\ud800", "half of a surrogate pair"]] as const) {
      expect(() => Vocabulary.fromNames(["fine", name])).toThrow(
        expect.objectContaining({ code: "DATA_BAD_NAME", path: ["names", 1], value: name }) as Error,
      );
      expect(() => Vocabulary.fromNames(["fine", name])).toThrow(fault);
    }
  });

  it("keeps its messages short and quick, however long a name is", () => {
    const long = "x".repeat(200_000);
    const vocabulary = Vocabulary.fromNames([long]);
    expect(() => vocabulary.id(`${long}y`)).toThrow(/^There is no "x{80}\.\.\." among 1 names; use one/);
    expect(() => Vocabulary.fromNames([long, long])).toThrow(/^names\.1: The name "x{80}\.\.\." occurs twice/);
  }, 10_000);
});
