/**
 * Float64 recomputation of scores and losses, from the formulas of the papers alone; shares nothing with src. Parameters are plain
 * arrays by table name, so that a test can move one value and look at the loss again.
 */
export type Tables = Record<string, number[]>;

export interface Shape {
  readonly model: "RotH" | "TransE";
  readonly dim: number;
}

/** score(h, r, t) of RotH (Chami et al. 2020) or TransE with squared distances, biases included. */
export function score({ model, dim }: Shape, tables: Tables, h: number, r: number, t: number): number {
  const row = (name: string, id: number): number[] => tables[name]!.slice(id * dim, (id + 1) * dim);
  const bias = tables.headBias![h]! + tables.tailBias![t]!;
  const [head, tail, relation] = [row("entity", h), row("entity", t), row("relation", r)];
  if (model === "TransE") return bias - squared(head.map((x, i) => x + relation[i]! - tail[i]!));
  const curvature = tables.curvature!;
  const c = softplus(curvature[curvature.length === 1 ? 0 : r]!);
  const moved = add(c, exp(c, head), exp(c, row("innerTranslation", r)));
  const turned = rotate(row("rotation", r), moved);
  const query = add(c, turned, exp(c, relation));
  const gap = add(
    c,
    query.map((x) => -x),
    exp(c, tail),
  );
  return bias - ((2 / Math.sqrt(c)) * Math.atanh(Math.sqrt(c * squared(gap)))) ** 2;
}

function exp(c: number, u: readonly number[]): number[] {
  const s = Math.sqrt(c * squared(u));
  return u.map((x) => (Math.tanh(s) * x) / s);
}

function add(c: number, x: readonly number[], y: readonly number[]): number[] {
  const [xy, xx, yy] = [dot(x, y), squared(x), squared(y)];
  return x.map((v, i) => ((1 + 2 * c * xy + c * yy) * v + (1 - c * xx) * y[i]!) / (1 + 2 * c * xy + c * c * xx * yy));
}

function rotate(r: readonly number[], x: readonly number[]): number[] {
  return x.map((_, i) => {
    const at = i - (i % 2);
    const length = Math.hypot(r[at]!, r[at + 1]!);
    const [a, b] = [r[at]! / length, r[at + 1]! / length];
    return i % 2 === 0 ? a * x[at]! - b * x[at + 1]! : b * x[at]! + a * x[at + 1]!;
  });
}

function dot(x: readonly number[], y: readonly number[]): number {
  return x.reduce((sum, v, i) => sum + v * y[i]!, 0);
}

function squared(x: readonly number[]): number {
  return dot(x, x);
}

export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function softmax(x: readonly number[]): number[] {
  const top = Math.max(...x);
  const e = x.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
}

/** KL(softmax(p) || softmax(q)) of logits. */
export function kl(p: readonly number[], q: readonly number[]): number {
  const [a, b] = [softmax(p), softmax(q)];
  return a.reduce((sum, v, k) => sum + v * Math.log(v / b[k]!), 0);
}

/** Mean binary cross-entropy with logits, against labels. */
export function bce(logits: readonly (readonly number[])[], labels: readonly (readonly number[])[]): number {
  const all = logits.flatMap((row, b) => row.map((x, k) => softplus(x) - x * labels[b]![k]!));
  return all.reduce((a, b) => a + b) / all.length;
}

/** Central differences of a loss by every value of every table. */
export function gradients(tables: Tables, loss: (tables: Tables) => number): Tables {
  const step = 1e-5;
  const out: Tables = {};
  for (const [name, values] of Object.entries(tables)) {
    out[name] = values.map((value, i) => {
      const at = (x: number): number => loss({ ...tables, [name]: values.with(i, x) });
      return (at(value + step) - at(value - step)) / (2 * step);
    });
  }
  return out;
}
