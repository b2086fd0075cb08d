import { describe, expect, it, vi } from "vitest";
import { defineModel, loadTf, modelDefinition, modelNames, MuldeError, type ModelDefinition } from "../src/index.js";
import "./_backends.js";
import { builtIns } from "./_passes.js";

const mine: ModelDefinition = {
  name: "ShiftedDot",
  similarity: "dot",
  dimMultiple: 1,
  tables: { shift: { width: (dim) => dim, init: "uniform" } },
  encode: (tf, { head, relation }) => tf.add(head, relation.shift!),
};

function thrown(run: () => unknown): MuldeError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    return error as MuldeError;
  }
  throw new Error("nothing was thrown");
}

const codeOf = (run: () => unknown): string => thrown(run).code;

describe("the registry of models", () => {
  it("knows the built-in models", () => {
    expect(modelNames().slice(0, builtIns.length)).toEqual(builtIns);
  });

  it.each([
    ["TransE", "TransE", "euclidean", 1, ["relation"]],
    ["DistE", "DistE", "euclidean", 1, ["relation"]],
    ["RotE", "RotE", "euclidean", 2, ["relation", "rotation"]],
    ["RefE", "RefE", "euclidean", 2, ["relation", "reflection"]],
    ["AttE", "AttE", "euclidean", 2, ["relation", "rotation", "reflection", "context"]],
    ["TransH", "TransH", "hyperbolic", 1, ["relation"]],
    ["DistH", "DistH", "hyperbolic", 1, ["relation"]],
    ["RotH", "RotH", "hyperbolic", 2, ["relation", "rotation", "innerTranslation"]],
    ["RefH", "RefH", "hyperbolic", 2, ["relation", "reflection"]],
    ["AttH", "AttH", "hyperbolic", 2, ["relation", "rotation", "reflection", "context"]],
    ["DistMult", "DistE", "dot", 1, ["relation"]],
    ["ComplEx", "ComplEx", "dot", 2, ["relation"]],
    ["CP", "CP", "dot", 2, ["relation"]],
    ["SimplE", "SimplE", "dot", 2, ["relation"]],
    ["MuRE", "MuRE", "euclidean", 1, ["diagonal", "relation"]],
    ["RotatE", "RotatE", "euclidean", 2, ["rotation"]],
    ["QuatE", "QuatE", "dot", 4, ["relation"]],
    ["MuRP", "MuRP", "hyperbolic", 1, ["diagonal", "relation"]],
    ["TuckER", undefined, "dot", 1, ["relation", "core"]],
    ["RotL", undefined, "euclidean", 2, ["relation", "rotation", "scale"]],
    [
      "Rot2L",
      undefined,
      "euclidean",
      2,
      ["relation", "rotation", "scale", "secondRotation", "secondTranslation", "secondScale"],
    ],
  ])("%s has the kernel %s, is %s, of a multiple of %d, and has the tables %j", (...row) => {
    const [name, fused, similarity, dimMultiple, tables] = row;
    const definition = modelDefinition(name);
    expect(definition).toMatchObject({ name, similarity, dimMultiple });
    expect(definition.fused).toBe(fused);
    expect(Object.keys(definition.tables)).toEqual(tables);
    for (const [table, { width, init }] of Object.entries(definition.tables)) {
      const factors = table === "scale" || table === "secondScale";
      expect(width(32)).toBe(factors ? 1 : table === "core" ? 32 ** 3 : name === "CP" ? 16 : 32);
      expect(init).toBe(table === "diagonal" || table === "core" ? "uniform" : "normal");
    }
    expect(definition.initialScale).toBe(similarity === "dot" ? 0.1 : undefined);
  });

  it("finds a model of one's own under its name, and lets it be defined anew", () => {
    const first = defineModel(mine);
    expect(modelDefinition("ShiftedDot")).toBe(first);
    const second = defineModel({ ...mine, similarity: "euclidean" });
    expect(modelDefinition("ShiftedDot")).toBe(second);
    expect(modelNames().filter((name) => name === "ShiftedDot")).toHaveLength(1);
  });

  it("names what it knows when a model is unknown", () => {
    expect(codeOf(() => modelDefinition("RotX"))).toBe("MODELS_UNKNOWN_MODEL");
    expect(() => modelDefinition("RotX")).toThrow(/RotX.*TransE, DistE.*AttH/);
    expect(codeOf(() => modelDefinition("__proto__"))).toBe("MODELS_UNKNOWN_MODEL");
  });

  it("keeps the names of built-in models, in any case of letters", () => {
    expect(codeOf(() => defineModel({ ...mine, name: "RotH" }))).toBe("MODELS_NAME_TAKEN");
    expect(codeOf(() => defineModel({ ...mine, name: "roth" }))).toBe("MODELS_NAME_TAKEN");
    expect(modelDefinition("RotH").fused).toBe("RotH");
  });

  it.each<[string, object, (string | number)[], RegExp]>([
    ["an empty name", { name: "" }, ["name"], /a letter followed by .*but is an empty string/],
    ["a name with a slash", { name: "../x" }, ["name"], /but is "\.\.\/x"/],
    [
      "no similarity",
      { similarity: undefined },
      ["Other", "similarity"],
      /hyperbolic, euclidean, dot, but is undefined/,
    ],
    ["an unknown similarity", { similarity: "cosine" }, ["Other", "similarity"], /but is "cosine"/],
    ["a dimMultiple that no model has", { dimMultiple: 3 }, ["Other", "dimMultiple"], /1, 2 or 4, but is 3/],
    ["no dimMultiple", { dimMultiple: undefined }, ["Other", "dimMultiple"], /but is undefined/],
    ["numbers of three coordinates", { components: 3 }, ["Other", "components"], /1, 2 or 4, but is 3/],
    ["a maxDim of zero", { maxDim: 0 }, ["Other", "maxDim"], /but is 0/],
    ["a maxDim below every dimension", { maxDim: 3, dimMultiple: 4 }, ["Other", "maxDim"], /from dimMultiple \(4\)/],
    ["an initialScale of zero", { initialScale: 0 }, ["Other", "initialScale"], /positive number/],
    ["an initialScale that is no number", { initialScale: Infinity }, ["Other", "initialScale"], /but is Infinity/],
    ["no tables", { tables: null }, ["Other", "tables"], /\{\} where there are none, but is null/],
    ["no encoder", { encode: undefined }, ["Other", "encode"], /a function \(tf, inputs\)/],
    ["a fused kernel", { fused: "RotH" }, ["Other", "fused"], /Only built-in models/],
    ["a misspelt field", { initialscale: 0.1 }, ["Other", "initialscale"], /did you mean initialScale\?/],
    ["a field that none has", { widths: 3 }, ["Other", "widths"], /the fields are name, similarity/],
  ])("refuses a definition with %s", (_, change, path, message) => {
    const before = modelNames();
    const error = thrown(() => defineModel({ ...mine, name: "Other", ...change }));
    expect(error).toMatchObject({ code: "MODELS_DEFINITION", path });
    expect(error.message).toMatch(message);
    expect(modelNames()).toEqual(before);
  });

  const wide = { width: (dim: number) => dim, init: "normal" };
  it.each<[string, string, unknown, string[], RegExp]>([
    ["of two rows", "shift", { ...wide, rows: "two" }, ["rows"], /"one" or left out, but is "two"/],
    ["without a width", "shift", { init: "normal" }, ["width"], /a function \(dim\) => number, but is undefined/],
    ["of a fixed width", "shift", { ...wide, width: 8 }, ["width"], /but is 8/],
    ["with an unknown init", "shift", { ...wide, init: "ones" }, ["init"], /"normal" or "uniform", but is "ones"/],
    ["with a misspelt field", "shift", { ...wide, row: "one" }, ["row"], /did you mean rows\?/],
    ["that is no object", "shift", 5, [], /must be an object/],
    ["with a name of two words", "my shift", wide, [], /must have a name of a letter/],
    [
      "of half a value",
      "shift",
      { ...wide, width: (dim: number) => dim / 2 },
      ["width"],
      /gives 8\.5 for dimension 17; set dimMultiple/,
    ],
    ["without a value", "shift", { ...wide, width: () => 0 }, ["width"], /gives 0/],
    ["of NaN values", "shift", { ...wide, width: () => NaN }, ["width"], /gives NaN/],
    ["of a text's length", "shift", { ...wide, width: () => "8" }, ["width"], /gives "8"/],
    ...["entity", "headBias", "tailBias", "curvature"].map((name): [string, string, unknown, string[], RegExp] => [
      `named ${name}`,
      name,
      wide,
      [],
      /Mulde keeps for itself/,
    ]),
  ])("refuses a table %s", (_, table, fields, path, message) => {
    const definition = { ...mine, name: "Other", tables: { [table]: fields } } as ModelDefinition;
    const error = thrown(() => defineModel(definition));
    expect(error).toMatchObject({ code: "MODELS_DEFINITION", path: ["Other", "tables", table, ...path] });
    expect(error.message).toMatch(message);
  });

  it("allows a table named scaling, and widths that are whole in the dimensions that there are", () => {
    const half = { width: (dim: number) => dim / 2, init: "normal" } as const;
    expect(defineModel({ ...mine, name: "Halves", dimMultiple: 2, tables: { scaling: half } }).name).toBe("Halves");
    expect(
      defineModel({ ...mine, name: "Few", maxDim: 2, tables: { one: { ...half, width: (d) => 3 - d } } }).name,
    ).toBe("Few");
  });

  it("refuses what is no definition", () => {
    expect(thrown(() => defineModel(undefined as never))).toMatchObject({ code: "MODELS_DEFINITION" });
  });

  it("has own models in one place for the process, where another copy of the package finds them", async () => {
    vi.resetModules();
    const copy = await import("../src/index.js");
    expect(copy.defineModel).not.toBe(defineModel);
    const { name } = copy.defineModel({ ...mine, name: "FromACopy" });
    expect(modelDefinition(name).tables).toHaveProperty("shift");
    expect(modelNames()).toContain(name);
  });

  it("tells an encoder which of its inputs is missing", async () => {
    const tf = await loadTf("cpu");
    tf.tidy(() => {
      const head = tf.tensor2d([[0, 0]]);
      expect(codeOf(() => modelDefinition("TransE").encode(tf, { head, relation: {}, curvature: undefined }))).toBe(
        "MODELS_TABLE",
      );
      const inputs = { head, relation: { relation: head }, curvature: undefined };
      expect(codeOf(() => modelDefinition("TransH").encode(tf, inputs))).toBe("MODELS_CURVATURE");
    });
  });
});
