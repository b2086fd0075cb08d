import { expect, test } from "vitest";
import { parseYaml } from "../src/_yaml.js";

const laughs = Array.from({ length: 20 }, (_, i) =>
  i === 0 ? "a0: &a0 [x, x, x, x, x]" : `a${i}: &a${i} [${new Array(9).fill(`*a${i - 1}`).join(", ")}]`,
).join("\n");

test.each<[string, string, number | undefined, RegExp]>([
  ["an unknown alias", "a: 1\nb: *c\n", 2, /anchor "c"/],
  ["an unknown alias that is merged", "a: 1\nb: { <<: *c }\n", 2, /anchor "c"/],
  ["a list that contains itself", "a: 1\nb: &b [*b]\n", 2, /"b" contains itself/],
  ["a map that is merged into itself", "b: &b\n  <<: *b\n", 2, /"b" contains itself/],
  ["a merge of a number", "a: 1\nb: { <<: 7 }\n", 2, /only maps/],
  ["a billion laughs", laughs, undefined, /repeat too much/],
  ["65 levels", `a: 1\nb: ${"[".repeat(65)}${"]".repeat(65)}\n`, 2, /64 levels/],
  ["100,000 levels", `a: 1\nb: ${"[".repeat(100_000)}\n`, 2, /64 levels/],
  ["a key that is a map", "a: 1\n? { b: 1 }\n: 2\n", 2, /keys must be strings/],
  ["an unknown tag", "a: 1\nb: !!js/function x\n", 2, /tag/],
  ["another version of YAML", "%YAML 9.9\n---\na: 1\n", 1, /version/],
  ["a control character", "a: 1\nb: x\0y\n", 2, /character/],
])("%s is refused with its line", (_, text, line, message) => {
  expect(() => parseYaml(text)).toThrow(
    expect.objectContaining({ code: "CLI_YAML", line, message: expect.stringMatching(message) as string }),
  );
});

test("what experiments use is read: anchors, merge keys, shared lists, 64 levels", () => {
  const text = "a: &a { x: 1, y: 2 }\nb: { <<: *a, y: 3 }\nc: [*a, *a]\nd: { <<: [*a, { z: 4 }] }\n";
  expect(parseYaml(text).value).toEqual({
    ...{
      a: { x: 1, y: 2 },
      b: { x: 1, y: 3 },
      c: [
        { x: 1, y: 2 },
        { x: 1, y: 2 },
      ],
      d: { x: 1, y: 2, z: 4 },
    },
  });
  expect(() => parseYaml(`b: ${"[".repeat(60)}${"]".repeat(60)}\n`)).not.toThrow();
});
