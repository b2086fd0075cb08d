/**
 * Float64 implementation of the scoring functions, from the formulas of the specification alone: textbook Mobius addition and the artanh
 * form of the distance, one query at a time. Shares nothing with src.
 */

const BALL = 1 - 1e-5;

/** Everything an encoder may read, for one query. */
export interface Query {
  readonly head: readonly number[];
  readonly rows: Readonly<Record<string, readonly number[]>>;
  readonly c: number;
}

/** A ball in float64 which notes 1 - c|x|^2 of every point it makes: what rounding errors are divided by. */
export class Ball {
  readonly gaps: number[] = [];
  constructor(readonly c: number) {}

  exp(u: readonly number[]): number[] {
    const s = Math.sqrt(this.c) * Math.max(norm(u), 1e-15);
    return this.project(u.map((x) => (Math.tanh(Math.min(s, 15)) * x) / s));
  }

  add(x: readonly number[], y: readonly number[]): number[] {
    return this.project(this.addFreely(x, y));
  }

  project(x: readonly number[]): number[] {
    const s = Math.sqrt(this.c) * norm(x);
    const inside = s > BALL ? x.map((v) => (v * BALL) / s) : [...x];
    this.gaps.push(1 - this.c * dot(inside, inside));
    return inside;
  }

  distance(x: readonly number[], y: readonly number[]): number {
    const root = Math.sqrt(this.c);
    const between = this.addFreely(
      x.map((v) => -v),
      y,
    );
    return (2 / root) * Math.atanh(root * norm(between));
  }

  private addFreely(x: readonly number[], y: readonly number[]): number[] {
    const { c } = this;
    const xy = dot(x, y);
    const xx = dot(x, x);
    const yy = dot(y, y);
    const left = 1 + 2 * c * xy + c * yy;
    const right = 1 - c * xx;
    return x.map((v, i) => (left * v + right * y[i]!) / (1 + 2 * c * xy + c * c * xx * yy));
  }
}

/** The query embedding of each model; `ball` is that of the query's curvature. */
export const encoders: Record<string, (query: Query, ball: Ball) => number[]> = {
  TransE: ({ head, rows }) => plus(head, rows.relation!),
  DistE: ({ head, rows }) => times(head, rows.relation!),
  RotE: ({ head, rows }) => plus(turn(rows.rotation!, head, rotation), rows.relation!),
  RefE: ({ head, rows }) => plus(turn(rows.reflection!, head, reflection), rows.relation!),
  AttE: (query) => plus(attention(query), query.rows.relation!),
  TransH: ({ head, rows }, ball) => ball.add(ball.exp(head), ball.exp(rows.relation!)),
  DistH: ({ head, rows }, ball) => ball.project(times(ball.exp(head), ball.exp(rows.relation!))),
  RotH: ({ head, rows }, ball) =>
    ball.add(
      turn(rows.rotation!, ball.add(ball.exp(head), ball.exp(rows.innerTranslation!)), rotation),
      ball.exp(rows.relation!),
    ),
  RefH: ({ head, rows }, ball) =>
    ball.add(turn(rows.reflection!, ball.exp(head), reflection), ball.exp(rows.relation!)),
  AttH: (query, ball) => ball.add(ball.exp(attention(query)), ball.exp(query.rows.relation!)),
  DistMult: ({ head, rows }) => times(head, rows.relation!),
  ComplEx: ({ head, rows }) => complexProduct(head, rows.relation!),
  CP: ({ head, rows }) => head.map((_, i) => (i % 2 === 0 ? 0 : head[i - 1]! * rows.relation![(i - 1) / 2]!)),
  SimplE: ({ head, rows }) => head.map((_, i) => (head[i ^ 1]! * rows.relation![i ^ 1]!) / 2),
  MuRE: ({ head, rows }) => times(head, rows.diagonal!).map((x, i) => x - rows.relation![i]!),
  MuRP: ({ head, rows }, ball) =>
    ball.add(ball.exp(rows.relation!.map((x) => -x)), ball.exp(times(head, rows.diagonal!))),
  TuckER: ({ head, rows }) =>
    head.map((_, k) =>
      head.reduce(
        (sum, x, i) =>
          rows.relation!.reduce(
            (inner, y, j) => inner + rows.core![(i * head.length + j) * head.length + k]! * x * y,
            sum,
          ),
        0,
      ),
    ),
  RotL: ({ head, rows }) => flexibleSum(turn(rows.rotation!, head, rotation), rows.relation!, rows.scale!),
  Rot2L: (query, ball) => {
    const { rows } = query;
    const first = turn(rows.secondRotation!, encoders.RotL!(query, ball), rotation);
    return flexibleSum(first, rows.secondTranslation!, rows.secondScale!);
  },
  RotatE: ({ head, rows }) => turn(rows.rotation!, head, rotation),
  QuatE: ({ head, rows }) =>
    Array.from({ length: head.length / 4 }, (_, k) => {
      const block = rows.relation!.slice(4 * k, 4 * k + 4);
      const unit = block.map((x) => x / norm(block));
      return quaternionProduct(head.slice(4 * k, 4 * k + 4), unit);
    }).flat(),
};

type Matrix = (a: number, b: number) => readonly [readonly [number, number], readonly [number, number]];

export const rotation: Matrix = (a, b) => [
  [a, -b],
  [b, a],
];
export const reflection: Matrix = (a, b) => [
  [a, b],
  [b, -a],
];

/** Applies a 2 x 2 matrix, given by the direction of each pair of `r`, to each coordinate pair of `x`. */
export function turn(r: readonly number[], x: readonly number[], matrix: Matrix): number[] {
  const turned: number[] = [];
  for (let i = 0; i < x.length; i += 2) {
    const length = Math.hypot(r[i]!, r[i + 1]!);
    for (const row of matrix(r[i]! / length, r[i + 1]! / length)) turned.push(row[0] * x[i]! + row[1] * x[i + 1]!);
  }
  return turned;
}

/** Products of complex numbers, by the 2 x 2 matrices that they are. */
function complexProduct(x: readonly number[], r: readonly number[]): number[] {
  return x.map((_, i) => {
    const at = i - (i % 2);
    const row = rotation(r[at]!, r[at + 1]!)[i === at ? 0 : 1];
    return row[0] * x[at]! + row[1] * x[at + 1]!;
  });
}

/** (a, u)(b, v) = (ab - <u, v>, av + bu + u x v) */
function quaternionProduct([a, ...u]: readonly number[], [b, ...v]: readonly number[]): number[] {
  const cross = (i: number): number => u[(i + 1) % 3]! * v[(i + 2) % 3]! - u[(i + 2) % 3]! * v[(i + 1) % 3]!;
  return [a! * b! - dot(u, v), ...u.map((x, i) => a! * v[i]! + b! * x + cross(i))];
}

function attention({ head, rows }: Query): number[] {
  const candidates = [turn(rows.rotation!, head, rotation), turn(rows.reflection!, head, reflection)];
  const weights = candidates.map((candidate) => Math.exp(dot(rows.context!, candidate) / Math.sqrt(head.length)));
  const total = weights[0]! + weights[1]!;
  return head.map((_, i) => (weights[0]! * candidates[0]![i]! + weights[1]! * candidates[1]![i]!) / total);
}

/** (1 + a) (x + y) / (1 + <x, y>), the denominator floored at 0.1 */
function flexibleSum(x: readonly number[], y: readonly number[], [a]: readonly number[]): number[] {
  const factor = (1 + a!) / Math.max(1 + dot(x, y), 0.1);
  return plus(x, y).map((v) => factor * v);
}

export function dot(x: readonly number[], y: readonly number[]): number {
  return x.reduce((sum, v, i) => sum + v * y[i]!, 0);
}

export function norm(x: readonly number[]): number {
  return Math.sqrt(dot(x, x));
}

function plus(x: readonly number[], y: readonly number[]): number[] {
  return x.map((v, i) => v + y[i]!);
}

function times(x: readonly number[], y: readonly number[]): number[] {
  return x.map((v, i) => v * y[i]!);
}
