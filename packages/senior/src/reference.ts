// The Senior's step in readable TensorFlow.js ops (MulDE, sections 4.2 and 4.3): the definition that tests compare the fused kernel with,
// and an engine on every tfjs backend with synchronous reads (cpu, wasm, node).
import * as tf from "@tensorflow/tfjs-core";
import { registerGradients } from "./_gradients.js";
import { largestScore, type SeniorLosses, type SeniorStepArguments } from "./kernel.js";

/**
 * One step of the Senior on the current tfjs backend (float32), with gradients by automatic differentiation. It leaves no tensor behind.
 * `SeniorStepArguments` gives shapes, outputs and losses.
 */
export function seniorStepReference(step: SeniorStepArguments): SeniorLosses {
  registerGradients();
  return tf.tidy(() => {
    const { batch: B, candidates: K, teachers: m, temperature: T, stride = K } = step;
    const teacherScores = tf.tensor3d(step.teacherScores, [m, B, K]);
    const junior = tf.tensor2d(contiguous(step.juniorScores, B, K, stride), [B, K]);
    const scales = toColumns(tf.tensor2d(step.scales, [B, m]));
    const labels = oneHot(step.targets, K);

    // Computed outside the functions that are differentiated below, which detaches the weights.
    const weights = contrastWeights(junior, tf.mul(scales, teacherScores), step.attentionTemperature);

    /** s_soft = sum_i a_i s'_i with s'_i = g_i s_i. */
    const softLogits = (g: tf.Tensor): tf.Tensor => tf.sum(tf.mul(toColumns(weights), tf.mul(g, teacherScores)), 0);

    /** L_soft = T^2 * mean over B of KL(softmax(s_soft / T) || softmax(s_J / T)). */
    const softLoss = (g: tf.Tensor, s: tf.Tensor): tf.Scalar =>
      tf.mul(tf.sum(klDivergence(tf.mul(softLogits(g), 1 / T), tf.mul(s, 1 / T))), (T * T) / B);

    /** L_senior = mean over B x K of softplus(x) - x y, which is BCE-with-logits of x against y. */
    const seniorLoss = (g: tf.Tensor): tf.Scalar => {
      const logits = softLogits(g);
      return tf.mul(tf.sum(tf.sub(tf.softplus(logits), tf.mul(logits, labels))), 1 / (B * K));
    };

    const soft = tf.valueAndGrads(softLoss)([scales, junior]);
    const senior = tf.valueAndGrad(seniorLoss)(scales);
    const [softGradScales, softGradJunior] = soft.grads as [tf.Tensor, tf.Tensor];
    const gradScales = step.trainOnSoft ? tf.add(senior.grad, tf.mul(softGradScales, step.softWeight)) : senior.grad;

    const gradJunior = tf.mul(softGradJunior, step.softWeight).dataSync<"float32">();
    for (let b = 0; b < B; b++) step.gradJunior.set(gradJunior.subarray(b * K, (b + 1) * K), b * stride);
    step.gradScales.set(fromColumns(gradScales).dataSync<"float32">());
    step.softLogits?.set(softLogits(scales).dataSync<"float32">());
    step.weights?.set(weights.dataSync<"float32">());
    const sizes = tf.max(tf.sqrt(tf.sum(tf.square(tf.mul(teacherScores, 1 / largestScore)), [0, 2])));
    // Written so that a NaN is one.
    if (!(sizes.dataSync<"float32">()[0]! <= 1)) return { softLoss: NaN, seniorLoss: NaN };
    return { softLoss: soft.value.dataSync<"float32">()[0]!, seniorLoss: senior.value.dataSync<"float32">()[0]! };
  });
}

/** a = softmax_i(-D_i / tau), D_i = KL(softmax(s_J) || softmax(s'_i)). `junior` B x K, `scaled` m x B x K, returns B x m. */
function contrastWeights(junior: tf.Tensor, scaled: tf.Tensor, tau: number): tf.Tensor {
  const divergence = klDivergence(tf.expandDims(junior, 0), scaled);
  return tf.softmax(tf.mul(tf.transpose(divergence), -1 / tau));
}

/** KL(softmax(p) || softmax(q)) over the last axis, of logits. */
function klDivergence(p: tf.Tensor, q: tf.Tensor): tf.Tensor {
  const logP = tf.logSoftmax(p);
  return tf.sum(tf.mul(tf.exp(logP), tf.sub(logP, tf.logSoftmax(q))), -1);
}

/** Copies B rows of K values, one every `stride` values, into B x K. */
function contiguous(rows: Float32Array, B: number, K: number, stride: number): Float32Array {
  if (stride === K) return rows;
  const out = new Float32Array(B * K);
  for (let b = 0; b < B; b++) out.set(rows.subarray(b * stride, b * stride + K), b * K);
  return out;
}

/** B x K: 1 at the target, 0 elsewhere; a row of zeros where the target is -1. */
function oneHot(targets: Int32Array, K: number): tf.Tensor {
  return tf.cast(tf.equal(tf.tensor2d(targets, [targets.length, 1], "int32"), tf.range(0, K, 1, "int32")), "float32");
}

/** From B x m to m x B x 1, which broadcasts against m x B x K. */
function toColumns(rows: tf.Tensor): tf.Tensor {
  return tf.expandDims(tf.transpose(rows), -1);
}

/** From m x B x 1 to B x m. */
function fromColumns(columns: tf.Tensor): tf.Tensor {
  return tf.transpose(tf.squeeze(columns, [-1]));
}
