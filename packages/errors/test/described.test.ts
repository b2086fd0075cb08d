import { expect, it } from "vitest";
import { described } from "../src/index.js";

class Own {
  readonly held = 1;
}

it.each<[unknown, string]>([
  [undefined, "undefined"],
  [null, "null"],
  [true, "true"],
  [0, "0"],
  [-1.5, "-1.5"],
  [Number.NaN, "NaN"],
  [Number.NEGATIVE_INFINITY, "-Infinity"],
  [7n, "7n"],
  ["RotH", '"RotH"'],
  ['"\n', String.raw`"\"\n"`],
  ["", "an empty string"],
  ["x".repeat(40), `"${"x".repeat(40)}"`],
  ["x".repeat(1e6), `"${"x".repeat(40)}"...`],
  [Symbol("s"), "a symbol"],
  [() => 1, "a function"],
  [Own, "a function"],
  [[1, 2], "an array"],
  [{ a: 1 }, "an object"],
  [Object.create(null), "an object"],
  [Object.create({ constructor: { name: 7 } }), "an object"],
  // An own field is not the class.
  [{ constructor: { name: "Liar" } }, "an object"],
  [
    new (class {
      readonly held = 1;
    })(),
    "an object",
  ],
  [new Own(), "an Own"],
  [new Float32Array(3), "a Float32Array"],
  [new Int32Array(3), "an Int32Array"],
  [new Uint8Array(3), "a Uint8Array"],
  [new Map(), "a Map"],
])("%o is told as %s", (value, words) => {
  expect(described(value)).toBe(words);
});
