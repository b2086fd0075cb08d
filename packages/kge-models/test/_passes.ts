import { Random } from "@mulde/kernels";
import {
  type CreateModelOptions,
  createModel,
  defineModel,
  type KgeModel,
  modelDefinition,
  type TableGradient,
} from "../src/index.js";
import { builtIns as definitions } from "../src/models/built-in.js";
import { Ball, dot, encoders } from "./_reference.js";

/** Parameters by table name, in float64, so that a test can move one value and look at the scores again. */
export type Tables = Readonly<Record<string, readonly number[]>>;

/** The names of all built-in models: whoever adds one gets its tests, and adds its formula to `_reference.ts`. */
export const builtIns = definitions.map(({ name }) => name);

/** Whether a model lives in the ball. */
export const isHyperbolic = (name: string): boolean => modelDefinition(name).similarity === "hyperbolic";

/** A built-in model's definition under another name, without its fused kernel: it runs on TensorFlow.js. */
export function unfused(name: string): string {
  const { similarity, dimMultiple, tables, encode } = modelDefinition(name);
  return defineModel({ name: `${name}-tf`, similarity, dimMultiple, tables, encode }).name;
}

/** A model with random parameters large enough that every term of a gradient is seen, well within the ball. */
export async function lively(options: CreateModelOptions, seed = 1): Promise<KgeModel> {
  const model = await createModel(options);
  const random = new Random(seed);
  // Flexible additions stay away from their floor, where there is no derivative.
  const size = model.tables.has("scale") ? 0.5 : 1.2;
  for (const { name, data } of model.tables.values()) {
    const scale =
      name === "headBias" || name === "tailBias" ? 0.3 : name === "curvature" ? 0.5 : size / Math.sqrt(options.dim);
    for (let i = 0; i < data.length; i++) data[i] = scale * random.normal();
  }
  model.touch();
  return model;
}

/** Gives a model the parameters of another. */
export function copyParameters(from: KgeModel, to: KgeModel): void {
  for (const { name, data } of from.tables.values()) to.table(name).data.set(data);
  to.touch();
}

export function tablesOf(model: KgeModel): Tables {
  return Object.fromEntries([...model.tables].map(([name, { data }]) => [name, [...data]]));
}

/** score(h, r, t) in float64 from the formulas of the specification. */
export function reference(name: string, model: KgeModel, tables: Tables, h: number, r: number, t: number): number {
  const { dim } = model;
  const row = (table: string, id: number, width = dim): readonly number[] =>
    tables[table]!.slice(id * width, (id + 1) * width);
  const bias = tables.headBias![h]! + tables.tailBias![t]!;
  const names = Object.keys(model.definition.tables);
  const rows = Object.fromEntries(
    names.map((table) => [table, row(table, model.table(table).rows === 1 ? 0 : r, model.table(table).width)]),
  );
  const k = tables.curvature ?? [0];
  const c = model.hyperbolic ? Math.log1p(Math.exp(k[k.length === 1 ? 0 : r]!)) : 1;
  const ball = new Ball(c);
  const query = encoders[name]!({ head: row("entity", h), rows, c }, ball);
  const entity = row("entity", t);
  if (model.definition.similarity === "dot") return bias + dot(query, entity);
  if (!model.hyperbolic) {
    const difference = query.map((x, i) => x - entity[i]!);
    return bias - dot(difference, difference);
  }
  return bias - ball.distance(query, ball.exp(entity)) ** 2;
}

/** Central differences of a loss by every value of every table. */
export function slopes(tables: Tables, loss: (tables: Tables) => number, step = 1e-5): Tables {
  return Object.fromEntries(
    Object.entries(tables).map(([name, values]) => [
      name,
      values.map((value, i) => {
        const at = (x: number): number => loss({ ...tables, [name]: values.with(i, x) });
        return (at(value + step) - at(value - step)) / (2 * step);
      }),
    ]),
  );
}

/** A gradient with its left-out rows as zeros. */
export function dense({ ids, count, values }: TableGradient, rows: number, width: number): number[] {
  if (ids === null) return [...values.subarray(0, rows * width)];
  const out = new Array<number>(rows * width).fill(0);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) out[ids[i]! * width + k] = values[i * width + k]!;
  }
  return out;
}

/** The largest difference, relative to the largest value. */
export function distance(actual: readonly number[], expected: readonly number[]): number {
  const scale = Math.max(1e-6, ...expected.map(Math.abs));
  return Math.max(...actual.map((x, i) => (Number.isFinite(x) ? Math.abs(x - expected[i]!) / scale : Infinity)));
}
