// An independent float64 implementation of the kernels' formulas, in the ball of curvature -c (the kernels use the unit ball). It is written for
// clarity.
import type { EncoderName } from "../src/index.js";

export type Vector = Float64Array;

/** Points are projected to sqrt(c) |x| <= 1 - 1e-5. */
export const maxRadius = 1 - 1e-5;

export function dot(x: Vector, y: Vector): number {
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
}

export function squaredDistance(x: Vector, y: Vector): number {
  return x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0);
}

/** tanh(sqrt(c)|u|) u / (sqrt(c)|u|), projected. */
export function expmap0(u: Vector, c: number): Vector {
  const a = Math.sqrt(c * dot(u, u));
  const t = Math.min(Math.tanh(a), maxRadius);
  return u.map((value) => (a > 0 ? (t / a) * value : value));
}

/** ((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2|x|^2|y|^2) */
export function mobiusAdd(x: Vector, y: Vector, c: number): Vector {
  const xy = dot(x, y);
  const xx = dot(x, x);
  const yy = dot(y, y);
  const denominator = 1 + 2 * c * xy + c * c * xx * yy;
  return x.map((value, i) => ((1 + 2 * c * xy + c * yy) * value + (1 - c * xx) * y[i]!) / denominator);
}

export function project(x: Vector, c: number): Vector {
  const radius = Math.sqrt(c * dot(x, x));
  return radius > maxRadius ? x.map((value) => (value * maxRadius) / radius) : x;
}

/** (1/sqrt(c)) arcosh(1 + u), u = 2c|x-y|^2 / ((1-c|x|^2)(1-c|y|^2)); arcosh(1 + u) = log1p(u + sqrt(u(u + 2))) */
export function distance(x: Vector, y: Vector, c: number): number {
  const u = (2 * c * squaredDistance(x, y)) / ((1 - c * dot(x, x)) * (1 - c * dot(y, y)));
  return Math.log1p(u + Math.sqrt(u * (u + 2))) / Math.sqrt(c);
}

/** (2/sqrt(c)) artanh(sqrt(c)|(-x) (+) y|): the other form of the same, good away from the boundary. */
export function distanceByMobius(x: Vector, y: Vector, c: number): number {
  const z = mobiusAdd(
    x.map((value) => -value),
    y,
    c,
  );
  return (2 / Math.sqrt(c)) * Math.atanh(Math.sqrt(c * dot(z, z)));
}

/** Pairs (a, b) of r normalised to length 1 act on pairs (x, y): (ax - by, bx + ay). */
export function rotate(r: Vector, x: Vector): Vector {
  return x.map((_, i) => {
    const j = i - (i % 2);
    const n = Math.hypot(r[j]!, r[j + 1]!);
    const [a, b] = [r[j]! / n, r[j + 1]! / n];
    return i === j ? a * x[j]! - b * x[j + 1]! : b * x[j]! + a * x[j + 1]!;
  });
}

/** (ax + by, bx - ay) */
export function reflect(r: Vector, x: Vector): Vector {
  return x.map((_, i) => {
    const j = i - (i % 2);
    const n = Math.hypot(r[j]!, r[j + 1]!);
    const [a, b] = [r[j]! / n, r[j + 1]! / n];
    return i === j ? a * x[j]! + b * x[j + 1]! : b * x[j]! - a * x[j + 1]!;
  });
}

/** What an encoder reads of one relation. */
export interface RelationRows {
  readonly relation: Vector;
  readonly rotation: Vector;
  readonly reflection: Vector;
  readonly innerTranslation: Vector;
  readonly context: Vector;
  readonly diagonal: Vector;
}

/** Softmax attention of the context over the rotated and the reflected head, scaled by 1 / sqrt(d) (Chami et al. 2020). */
function attend(h: Vector, r: RelationRows): Vector {
  const turned = [rotate(r.rotation, h), reflect(r.reflection, h)] as const;
  const [x, y] = turned.map((z) => Math.exp(dot(r.context, z) / Math.sqrt(h.length))) as [number, number];
  return h.map((_, i) => (x * turned[0][i]! + y * turned[1][i]!) / (x + y));
}

function add(x: Vector, y: Vector): Vector {
  return x.map((value, i) => value + y[i]!);
}

function multiply(x: Vector, y: Vector): Vector {
  return x.map((value, i) => value * y[i]!);
}

type Complex = readonly [re: number, im: number];

function timesComplex([a, b]: Complex, [c, d]: Complex): Complex {
  return [a * c - b * d, a * d + b * c];
}

/** Numbers of pairs of coordinates: (x0 + x1 i, x2 + x3 i, ...). */
function complexNumbers(x: Vector): Complex[] {
  return Array.from({ length: x.length / 2 }, (_, k): Complex => [x[2 * k]!, x[2 * k + 1]!]);
}

/** Hamilton's product by the doubling of Cayley and Dickson: a quaternion is z + w j of complex z, w, with j z = conj(z) j and j j = -1. */
function timesQuaternion(x: Vector, y: Vector): number[] {
  const [z, w] = complexNumbers(x) as [Complex, Complex];
  const [u, v] = complexNumbers(y) as [Complex, Complex];
  const conjugate = ([re, im]: Complex): Complex => [re, -im];
  const [zu, wv] = [timesComplex(z, u), timesComplex(w, conjugate(v))];
  const [zv, wu] = [timesComplex(z, v), timesComplex(w, conjugate(u))];
  return [zu[0] - wv[0], zu[1] - wv[1], zv[0] + wu[0], zv[1] + wu[1]];
}

function quaternionProducts(h: Vector, r: Vector): Vector {
  const out = new Float64Array(h.length);
  for (let i = 0; i < h.length; i += 4) {
    const y = r.subarray(i, i + 4);
    const length = Math.sqrt(dot(y, y));
    const unit = y.map((value) => value / length);
    out.set(timesQuaternion(h.subarray(i, i + 4), unit), i);
  }
  return out;
}

/** q(h, r), table of section 3 of the specification. */
export function encode(encoder: EncoderName, h: Vector, r: RelationRows, c: number): Vector {
  switch (encoder) {
    case "TransE":
      return add(h, r.relation);
    case "DistE":
      return multiply(h, r.relation);
    case "RotE":
      return add(rotate(r.rotation, h), r.relation);
    case "RefE":
      return add(reflect(r.reflection, h), r.relation);
    case "AttE":
      return add(attend(h, r), r.relation);
    case "TransH":
      return project(mobiusAdd(expmap0(h, c), expmap0(r.relation, c), c), c);
    case "DistH":
      return project(multiply(expmap0(h, c), expmap0(r.relation, c)), c);
    case "RotH": {
      const moved = mobiusAdd(expmap0(h, c), expmap0(r.innerTranslation, c), c);
      return project(mobiusAdd(rotate(r.rotation, moved), expmap0(r.relation, c), c), c);
    }
    case "RefH":
      return project(mobiusAdd(reflect(r.reflection, expmap0(h, c)), expmap0(r.relation, c), c), c);
    case "AttH":
      return project(mobiusAdd(expmap0(attend(h, r), c), expmap0(r.relation, c), c), c);
    case "ComplEx": {
      const relation = complexNumbers(r.relation);
      return Float64Array.from(complexNumbers(h).flatMap((x, k) => timesComplex(x, relation[k]!)));
    }
    // An entity's row is (head 0, tail 0, head 1, tail 1, ...); only the candidates' tail halves count.
    case "CP":
      return h.map((_, i) => (i % 2 === 1 ? h[i - 1]! * r.relation[(i - 1) / 2]! : 0));
    // <h_h, r, t_t> / 2 + <t_h, r', h_t> / 2. The relation's row is (r 0, r' 0, r 1, ...).
    case "SimplE":
      return h.map((_, i) =>
        i % 2 === 1 ? (h[i - 1]! * r.relation[i - 1]!) / 2 : (h[i + 1]! * r.relation[i + 1]!) / 2,
      );
    case "QuatE":
      return quaternionProducts(h, r.relation);
    case "RotatE":
      return rotate(r.rotation, h);
    case "MuRE":
      return h.map((value, i) => r.diagonal[i]! * value - r.relation[i]!);
    case "MuRP": {
      const back = r.relation.map((value) => -value);
      return project(mobiusAdd(expmap0(back, c), expmap0(multiply(r.diagonal, h), c), c), c);
    }
  }
}

export function logSumExp(values: Vector): number {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

export function softmax(values: Vector): Vector {
  const lse = logSumExp(values);
  return values.map((value) => Math.exp(value - lse));
}

/** log(1 + exp(x)) */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** KL(softmax(target) || softmax(scores)) */
export function divergence(target: Vector, scores: Vector): number {
  const lz = logSumExp(target);
  const ly = logSumExp(scores);
  return target.reduce((sum, value, k) => sum + Math.exp(value - lz) * (value - lz - (scores[k]! - ly)), 0);
}

/** One row of binary cross-entropy; `weights` of the negatives as in self-adversarial sampling, or all 1. */
export function bce(scores: Vector, positiveWeight: number, negativeWeight: number, weights: Vector): number {
  let loss = positiveWeight * softplus(-scores[0]!);
  for (let k = 1; k < scores.length; k++) loss += negativeWeight * weights[k - 1]! * softplus(scores[k]!);
  return loss;
}

/** The Senior for one query (sections 4 and 5 of the specification). `scaled` are the teachers' scores times their scales. */
export interface SeniorRow {
  readonly weights: Vector;
  readonly logits: Vector;
  readonly softLoss: number;
  readonly seniorLoss: number;
}

export function contrastWeights(junior: Vector, scaled: readonly Vector[], tau: number): Vector {
  return softmax(Float64Array.from(scaled, (teacher) => -divergence(junior, teacher) / tau));
}

/** `weights` are given from outside, so that finite differences see them held constant. */
export function senior(
  junior: Vector,
  scaled: readonly Vector[],
  weights: Vector,
  target: number,
  T: number,
): SeniorRow {
  const logits = junior.map((_, k) => scaled.reduce((sum, teacher, i) => sum + weights[i]! * teacher[k]!, 0));
  const over = (x: Vector) => x.map((value) => value / T);
  const softLoss = T * T * divergence(over(logits), over(junior));
  const seniorLoss = logits.reduce((sum, x, k) => sum + softplus(x) - (k === target ? x : 0), 0) / logits.length;
  return { weights, logits, softLoss, seniorLoss };
}

/** Ids of the k best, ties to the lower id. */
export function topK(scores: ArrayLike<number>, k: number): number[] {
  const ids = Array.from({ length: scores.length }, (_, i) => i);
  return ids.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, k);
}

/** How many rivals score above the target, and just as it. */
export function rank(scores: ArrayLike<number>, target: number, filtered: ReadonlySet<number>): [number, number] {
  let greater = 0;
  let equal = 0;
  for (let e = 0; e < scores.length; e++) {
    if (e === target || filtered.has(e)) continue;
    if (scores[e]! > scores[target]!) greater++;
    if (scores[e] === scores[target]) equal++;
  }
  return [greater, equal];
}

export interface AdamOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
  readonly weightDecay: number;
}

/** Adam with decoupled weight decay, in place. */
export function adam(p: Vector, g: Vector, m: Vector, v: Vector, o: AdamOptions): void {
  for (let i = 0; i < p.length; i++) {
    m[i] = o.beta1 * m[i]! + (1 - o.beta1) * g[i]!;
    v[i] = o.beta2 * v[i]! + (1 - o.beta2) * g[i]! ** 2;
    const first = m[i]! / (1 - o.beta1 ** o.step);
    const second = v[i]! / (1 - o.beta2 ** o.step);
    p[i] = p[i]! * (1 - o.learningRate * o.weightDecay) - (o.learningRate * first) / (Math.sqrt(second) + o.epsilon);
  }
}

/** Adagrad with decoupled weight decay, in place. */
export function adagrad(
  p: Vector,
  g: Vector,
  sum: Vector,
  o: { readonly learningRate: number; readonly epsilon: number; readonly weightDecay: number },
): void {
  for (let i = 0; i < p.length; i++) {
    sum[i] = sum[i]! + g[i]! ** 2;
    p[i] = p[i]! * (1 - o.learningRate * o.weightDecay) - (o.learningRate * g[i]!) / (Math.sqrt(sum[i]!) + o.epsilon);
  }
}

/** df/dx[i] by the five-point stencil (error of order h^4); x is put back. */
export function difference(f: () => number, x: Vector, i: number, h: number): number {
  const at = x[i]!;
  const value = (step: number) => {
    x[i] = at + step * h;
    return f();
  };
  const slope = (8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * h);
  x[i] = at;
  return slope;
}
