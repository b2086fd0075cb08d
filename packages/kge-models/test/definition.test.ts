import { describe, expect, it } from "vitest";
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

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    return (error as MuldeError).code;
  }
  return undefined;
}

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

  it.each<[string, object]>([
    ["an empty name", { name: "" }],
    ["a name with a slash", { name: "../x" }],
    ["no similarity", { similarity: undefined }],
    ["an unknown similarity", { similarity: "cosine" }],
    ["a dimMultiple that no model has", { dimMultiple: 3 }],
    ["a maxDim of zero", { maxDim: 0 }],
    ["a table of two rows", { tables: { shift: { rows: "two", width: () => 1, init: "normal" } } }],
    ["no dimMultiple", { dimMultiple: undefined }],
    ["an initialScale of zero", { initialScale: 0 }],
    ["an initialScale that is no number", { initialScale: Infinity }],
    ["no tables", { tables: null }],
    ["a table without a width", { tables: { shift: { init: "normal" } } }],
    ["a table with an unknown init", { tables: { shift: { width: () => 1, init: "ones" } } }],
    ["no encoder", { encode: undefined }],
    ["a fused kernel", { fused: "RotH" }],
  ])("refuses a definition with %s", (_, change) => {
    const before = modelNames();
    expect(codeOf(() => defineModel({ ...mine, name: "Other", ...change } as ModelDefinition))).toBe(
      "MODELS_DEFINITION",
    );
    expect(modelNames()).toEqual(before);
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
