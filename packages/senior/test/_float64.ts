// The Senior's step in plain float64 loops, with gradients derived by hand from the paper's formulas. Tests compare every other form with
// this independent one.
import type { SeniorKernels, SeniorLosses, SeniorStepArguments } from "../src/index.js";

type Values = Float32Array | Float64Array;

/** A step's inputs in any precision, so that finite differences can perturb them in float64. */
export interface Inputs {
  readonly batch: number;
  readonly candidates: number;
  readonly teachers: number;
  readonly teacherScores: Values;
  readonly juniorScores: Values;
  readonly scales: Values;
  readonly attentionTemperature: number;
  readonly stride?: number;
  readonly targets: Int32Array;
  readonly temperature: number;
}

export interface Float64Gradients {
  /** d L_soft / d s_J, B x K. */
  readonly softJunior: Float64Array;
  /** d L_soft / d g, B x m. */
  readonly softScales: Float64Array;
  /** d L_senior / d g, B x m. */
  readonly seniorScales: Float64Array;
}

/** a = softmax_i(-KL(softmax(s_J) || softmax(g_i s_i)) / tau), B x m. */
export function attentionWeights(inputs: Inputs): Float64Array {
  const { batch, teachers, attentionTemperature: tau } = inputs;
  const weights = new Float64Array(batch * teachers);
  for (let b = 0; b < batch; b++) {
    const logP = logSoftmax(juniorRow(inputs, b));
    const row: number[] = [];
    for (let i = 0; i < teachers; i++) row.push(-divergence(logP, logSoftmax(scaledRow(inputs, b, i))) / tau);
    weights.set(logSoftmax(row).map(Math.exp), b * teachers);
  }
  return weights;
}

/** s_soft = sum_i a_i g_i s_i of query b. */
function softLogitsRow(inputs: Inputs, weights: Values, b: number): number[] {
  const row = new Array<number>(inputs.candidates).fill(0);
  for (let i = 0; i < inputs.teachers; i++) {
    const weight = weights[b * inputs.teachers + i]!;
    scaledRow(inputs, b, i).forEach((score, k) => (row[k]! += weight * score));
  }
  return row;
}

/** Both losses for given weights. Finite differences must hold the weights fixed, because they are detached. */
export function losses(inputs: Inputs, weights: Values): SeniorLosses {
  const { batch, candidates, temperature: T } = inputs;
  let softLoss = 0;
  let seniorLoss = 0;
  for (let b = 0; b < batch; b++) {
    const soft = softLogitsRow(inputs, weights, b);
    const logP = logSoftmax(soft.map((x) => x / T));
    const logQ = logSoftmax(juniorRow(inputs, b).map((x) => x / T));
    softLoss += (T * T * divergence(logP, logQ)) / batch;
    soft.forEach((x, k) => {
      // BCE-with-logits: -y ln sigmoid(x) - (1 - y) ln(1 - sigmoid(x)).
      const bce = k === inputs.targets[b] ? softplus(-x) : softplus(x);
      seniorLoss += bce / (batch * candidates);
    });
  }
  return { softLoss, seniorLoss };
}

/**
 * By hand, with p = softmax(s_soft / T), q = softmax(s_J / T):
 * dL_soft/ds_J = T/B (q - p); dL_soft/ds_soft = T/B p (ln p - ln q - KL); dL_senior/ds_soft = (sigmoid(s_soft) - y) / (B K);
 * ds_soft/dg_i = a_i s_i.
 */
export function gradients(inputs: Inputs, weights: Values): Float64Gradients {
  const { batch: B, candidates: K, teachers: m, temperature: T } = inputs;
  const softJunior = new Float64Array(B * K);
  const softScales = new Float64Array(B * m);
  const seniorScales = new Float64Array(B * m);
  for (let b = 0; b < B; b++) {
    const soft = softLogitsRow(inputs, weights, b);
    const logP = logSoftmax(soft.map((x) => x / T));
    const logQ = logSoftmax(juniorRow(inputs, b).map((x) => x / T));
    const kl = divergence(logP, logQ);
    for (let k = 0; k < K; k++) {
      const p = Math.exp(logP[k]!);
      softJunior[b * K + k] = (T / B) * (Math.exp(logQ[k]!) - p);
      const fromSoft = (T / B) * p * (logP[k]! - logQ[k]! - kl);
      const fromSenior = (1 / (1 + Math.exp(-soft[k]!)) - (k === inputs.targets[b] ? 1 : 0)) / (B * K);
      for (let i = 0; i < m; i++) {
        const score = weights[b * m + i]! * inputs.teacherScores[(i * B + b) * K + k]!;
        softScales[b * m + i]! += fromSoft * score;
        seniorScales[b * m + i]! += fromSenior * score;
      }
    }
  }
  return { softJunior, softScales, seniorScales };
}

/** The float64 form with the kernel's signature. */
export function seniorStepFloat64(step: SeniorStepArguments): SeniorLosses {
  const weights = attentionWeights(step);
  const { softJunior, softScales, seniorScales } = gradients(step, weights);
  const { batch, candidates: K, stride = K } = step;
  for (let b = 0; b < batch; b++) {
    step.gradJunior.set(
      softJunior.subarray(b * K, (b + 1) * K).map((x) => step.softWeight * x),
      b * stride,
    );
  }
  step.gradScales.set(seniorScales.map((x, at) => x + (step.trainOnSoft ? step.softWeight * softScales[at]! : 0)));
  step.weights?.set(weights);
  for (let b = 0; b < step.batch; b++) {
    step.softLogits?.set(softLogitsRow(step, weights, b), b * step.candidates);
  }
  return losses(step, weights);
}

export const float64Kernels: SeniorKernels = { seniorStep: seniorStepFloat64 };

function juniorRow({ juniorScores, candidates: K, stride = K }: Inputs, b: number): number[] {
  return Array.from(juniorScores.subarray(b * stride, b * stride + K));
}

function scaledRow({ teacherScores, scales, batch, candidates: K, teachers }: Inputs, b: number, i: number): number[] {
  const start = (i * batch + b) * K;
  return Array.from(teacherScores.subarray(start, start + K), (score) => scales[b * teachers + i]! * score);
}

function logSoftmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const logSum = largest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return logits.map((x) => x - logSum);
}

/** KL(p || q) of log-probabilities. */
function divergence(logP: readonly number[], logQ: readonly number[]): number {
  return logP.reduce((sum, x, k) => sum + Math.exp(x) * (x - logQ[k]!), 0);
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
