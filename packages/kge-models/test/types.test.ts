import type * as tfjs from "@tensorflow/tfjs-core";
import type * as tfjsNode from "@tensorflow/tfjs-node";
import { describe, expectTypeOf, it } from "vitest";
import { defineModel, type EncoderInputs, type Tensor, type Tensor2D, type Tf } from "../src/index.js";

// The compiler checks these (npx tsc).
describe("the types of tensors", () => {
  it("hold for the namespaces of TensorFlow.js", () => {
    expectTypeOf<typeof tfjs>().toExtend<Tf>();
    expectTypeOf<typeof tfjsNode>().toExtend<Tf>();
    expectTypeOf<tfjs.Tensor>().toExtend<Tensor>();
    expectTypeOf<tfjs.Tensor2D>().toExtend<Tensor2D>();
    expectTypeOf<tfjs.Tensor>().not.toExtend<Tensor2D>();
  });

  it("give way to those of TensorFlow.js in an encoder that declares them", () => {
    interface Inputs {
      readonly head: tfjs.Tensor2D;
      readonly relation: Readonly<Record<string, tfjs.Tensor2D>>;
    }
    const model = defineModel({
      name: "Gelu",
      similarity: "euclidean",
      dimMultiple: 1,
      tables: { scale: { width: (dim) => dim, init: "normal" } },
      encode: (tf: typeof tfjs, { head, relation }: Inputs) => tf.mul(head, tf.prelu(relation.scale!, 0.1)),
    });
    expectTypeOf(model.encode).returns.toEqualTypeOf<Tensor>();
  });

  it("know the ops, their operands and which inputs have two axes", () => {
    expectTypeOf<EncoderInputs["head"]["shape"][1]>().toEqualTypeOf<number>();
    expectTypeOf<Tf>().not.toHaveProperty("frobnicate");
    expectTypeOf<[Tensor, number]>().toExtend<Parameters<Tf["add"]>>();
    expectTypeOf<[() => number, number]>().not.toExtend<Parameters<Tf["add"]>>();
  });
});
