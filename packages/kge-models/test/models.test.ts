import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  loadTf,
  modelDefinition,
  similarity,
  tfBackend,
  type EncoderInputs,
  type Tensor,
  type Tensor2D,
  type Tf,
} from "../src/index.js";
import { backends } from "./_backends.js";
import { builtIns as names, isHyperbolic } from "./_passes.js";
import { Random } from "./_random.js";
import { Ball, dot, encoders, norm, type Query } from "./_reference.js";

/** Half the distance from 1 to the next float32: the relative error of one operation. */
const EPS = 2 ** -24;

const similarityOf = (name: string) => modelDefinition(name).similarity;

/** Curvatures 1e-3 to 5, evenly by their logarithm. */
const curvatures = fc
  .double({ min: Math.log(1e-3), max: Math.log(5), noNaN: true })
  .map((x) => Math.fround(Math.exp(x)));

const cases = (name: string) =>
  fc.record({
    seed: fc.integer(),
    // TuckER's core has d^3 values.
    dim: name === "TuckER" ? fc.constantFrom(1, 2, 5) : fc.constantFrom(4, 8, 32, 64),
    c: fc.tuple(curvatures, curvatures, curvatures),
  });

/** sqrt(c)|u| of tangent vectors: tanh(6.1) is the limit of the ball, so the last ones are projected onto it. */
const RADII = [1e-6, 1e-3, 0.1, 0.29, 0.31, 1, 2, 4, 6, 7];

/** How many coordinates of a table make a direction, whose length does not count; 0 where lengths count. */
function directions(name: string, table: string): number {
  if (name === "QuatE" && table === "relation") return 4;
  return ["rotation", "reflection", "secondRotation"].includes(table) ? 2 : 0;
}

interface Batch {
  readonly queries: Query[];
  readonly candidates: number[][][];
  readonly inputs: EncoderInputs;
}

/** Three queries with four candidates each; radii are those of the tangent space times sqrt(c), plain lengths when Euclidean. */
function batch(
  tf: Tf,
  name: string,
  { seed, dim, c }: { seed: number; dim: number; c: number[] },
  radii: number[],
): Batch {
  const random = new Random(seed);
  const { tables, similarity: kind } = modelDefinition(name);
  // The flexible addition of longer vectors may come near its floor, where it has a kink: see flexible-addition.test.ts.
  const lengths = "scale" in tables ? radii.map((radius) => Math.min(radius, 0.4)) : radii;
  const length = (row: number): number => random.pick(lengths) / Math.sqrt(kind === "hyperbolic" ? c[row]! : 1);
  const shared: Record<string, number[]> = {};
  const queries = c.map((value, row): Query => {
    const head = random.vector(dim, length(row));
    const rows = Object.keys(tables).map((table): [string, number[]] => {
      const block = directions(name, table);
      const width = tables[table]!.width(dim);
      // Only the direction of a block counts: each has the length 1e-3, a usual initial value.
      const blocks = (size: number): number[] =>
        Array.from({ length: width / size }, () => random.vector(size, 1e-3)).flat();
      // Attention's logits stay below 3: their rounding shifts the weights, at great logits without limit.
      const context = (): number[] => random.vector(width, (3 * random.next()) / norm(head));
      if (tables[table]!.rows === "one") {
        shared[table] ??= block ? blocks(block) : random.vector(width, table === "core" ? 1 : 0.3);
        return [table, shared[table]];
      }
      if (block) return [table, blocks(block)];
      if (table === "context") return [table, context()];
      // A factor has no units: entries around 1.
      if (table === "diagonal") return [table, random.vector(width, Math.sqrt(width))];
      return [table, random.vector(width, length(row))];
    });
    return { head, rows: Object.fromEntries(rows), c: value };
  });
  const candidates = c.map((_, row) => Array.from({ length: 4 }, () => random.vector(dim, length(row))));
  return { queries, candidates, inputs: inputsOf(tf, name, queries) };
}

function inputsOf(tf: Tf, name: string, queries: readonly Query[]): EncoderInputs {
  const { tables } = modelDefinition(name);
  const matrix = (rows: readonly (readonly number[])[]): Tensor2D => tf.tensor2d(rows.map((row) => [...row]));
  const relation = Object.entries(tables).map(([table, { rows }]) => [
    table,
    matrix((rows === "one" ? queries.slice(0, 1) : queries).map((q) => q.rows[table]!)),
  ]);
  return {
    head: matrix(queries.map((q) => q.head)),
    relation: Object.fromEntries(relation) as Record<string, Tensor2D>,
    curvature: isHyperbolic(name) ? matrix(queries.map((q) => [q.c])) : undefined,
  };
}

describe.each(backends)("the models on tfjs-%s", (backend) => {
  let tf: Tf;
  beforeAll(async () => {
    tf = await loadTf(backend);
    expect(tfBackend()!.backend).toBe(backend);
  });

  it.each(names.filter((name) => similarityOf(name) === "euclidean"))("%s scores as its formula in float64", (name) => {
    const definition = modelDefinition(name);
    fc.assert(
      fc.property(cases(name), (given) => {
        tf.tidy(() => {
          const { queries, candidates, inputs } = batch(tf, name, given, [1e-6, 1e-3, 0.3, 1, 3]);
          const query = definition.encode(tf, inputs);
          const scores = similarity(
            tf,
            definition.similarity,
            query,
            tf.tensor3d(candidates),
          ).arraySync() as number[][];
          queries.forEach((q, row) => {
            const expected = encoders[name]!(q, new Ball(1));
            candidates[row]!.forEach((e, k) => {
              const difference = expected.map((v, i) => v - e[i]!);
              // Rounding is relative to the vectors' lengths, not to that of their difference.
              const scale = norm(q.head) * (1 + norm(q.rows.diagonal ?? [0]));
              // Flexible additions: alpha / (1 + <x, y>) is below 4, and the sum <x, y> has its own rounding.
              const gain = q.rows.scale ? 4 + given.dim / 8 : 1;
              const error = 8 * EPS * (gain * (scale + norm(q.rows.relation ?? [0]) + norm(expected)) + norm(e));
              const slack = 2 * norm(difference) * error + error ** 2 + given.dim * EPS * dot(difference, difference);
              expect(Math.abs(scores[row]![k]! + dot(difference, difference))).toBeLessThanOrEqual(slack);
            });
          });
        });
      }),
      { numRuns: 40 },
    );
  });

  it.each(names.filter((name) => similarityOf(name) === "dot"))("%s scores as its formula in float64", (name) => {
    const definition = modelDefinition(name);
    fc.assert(
      fc.property(cases(name), (given) => {
        tf.tidy(() => {
          const { queries, candidates, inputs } = batch(tf, name, given, [1e-6, 1e-3, 0.3, 1, 3]);
          const query = definition.encode(tf, inputs);
          const scores = similarity(tf, "dot", query, tf.tensor3d(candidates)).arraySync() as number[][];
          queries.forEach((q, row) => {
            const expected = encoders[name]!(q, new Ball(1));
            // Rounding is relative to the factors' lengths; directions have length 1, whatever that of their parameters.
            const factor = (directions(name, "relation") ? 1 : norm(q.rows.relation!)) * norm(q.rows.core ?? [1]);
            const sums = given.dim * (q.rows.core ? given.dim : 1);
            candidates[row]!.forEach((e, k) => {
              const slack = (16 + sums) * EPS * norm(q.head) * factor * norm(e);
              expect(Math.abs(scores[row]![k]! - dot(expected, e))).toBeLessThanOrEqual(slack);
            });
          });
        });
      }),
      { numRuns: 40 },
    );
  });

  it.each(names.filter(isHyperbolic))("%s scores as its formula in float64, up to the boundary", (name) => {
    const definition = modelDefinition(name);
    fc.assert(
      fc.property(cases(name), (given) => {
        tf.tidy(() => {
          const { queries, candidates, inputs } = batch(tf, name, given, RADII);
          const query = definition.encode(tf, inputs);
          const entities = tf.tensor3d(candidates);
          const scores = similarity(tf, "hyperbolic", query, entities, inputs.curvature).arraySync() as number[][];
          queries.forEach((q, row) => {
            candidates[row]!.forEach((e, k) => {
              const ball = new Ball(q.c);
              const distance = ball.distance(encoders[name]!(q, ball), ball.exp(e));
              // Moving a point x by EPS/sqrt(c) moves it by 2 EPS / (1 - c|x|^2) / sqrt(c) in the ball's metric, and Mobius addition, rotation
              // and reflection keep that length; so each point that is rounded on the way adds its part. Sums over the coordinates
              // run one after the other on WASM, so that their error grows with the dimension.
              const roundings = 8 + given.dim / 4;
              const error = (roundings * EPS * ball.gaps.reduce((sum, gap) => sum + 1 / gap, 1)) / Math.sqrt(q.c);
              const slack = 2 * distance * error + error ** 2 + 8 * EPS * distance ** 2;
              expect(Math.abs(scores[row]![k]! + distance ** 2)).toBeLessThanOrEqual(slack);
            });
          });
        });
      }),
      { numRuns: 60 },
    );
  });

  it.each(names)("%s's encoder has the gradients that finite differences of its formula have", (name) => {
    const definition = modelDefinition(name);
    const hyperbolic = definition.similarity === "hyperbolic";
    fc.assert(
      fc.property(cases(name), (given) => {
        tf.tidy(() => {
          // Up to tanh(2) = 0.96 of the radius, three summands together: past it central differences, too, lose their digits.
          const { queries, inputs } = batch(tf, name, given, [1e-3, 0.1, 0.29, 0.31, 1, 2]);
          const random = new Random(given.seed + 1);
          const weights = queries.map(() => random.vector(given.dim, 1));
          const tables = Object.keys(inputs.relation);
          const variables: Tensor[] = [inputs.head, ...tables.map((table) => inputs.relation[table]!)];
          if (inputs.curvature) variables.push(inputs.curvature);
          const loss = (...values: Tensor[]): Tensor => {
            const relation = Object.fromEntries(tables.map((table, i) => [table, values[i + 1] as Tensor2D]));
            const curvature = inputs.curvature && values.at(-1);
            const query = definition.encode(tf, { head: values[0] as Tensor2D, relation, curvature });
            return tf.sum(tf.mul(query, tf.tensor2d(weights)));
          };
          const gradients = tf
            .grads(loss)(variables)
            .map((gradient) => gradient.arraySync() as number[][]);
          const shared = tables.filter((table) => definition.tables[table]!.rows === "one");
          for (const table of shared) {
            const core = queries[0]!.rows[table]!;
            const parts = queries.map((q, row) => {
              const value = (changed: readonly number[]): number =>
                dot(encoders[name]!({ ...q, rows: { ...q.rows, [table]: changed } }, new Ball(q.c)), weights[row]!);
              return core.map((x, i) => derivative((v) => value(core.with(i, v)), x, norm(core)));
            });
            const expected = core.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
            const gradient = gradients[tables.indexOf(table) + 1]!;
            expect(gradient).toHaveLength(1);
            const error = norm(gradient[0]!.map((g, i) => g - expected[i]!));
            // Where the queries' parts cancel in the sum, their errors stay.
            const scale = parts.reduce((sum, part) => sum + norm(part), 0);
            expect(error).toBeLessThanOrEqual((16 * EPS + 1e-6) * scale);
          }
          queries.forEach((q, row) => {
            const value = (query: Query): number => dot(encoders[name]!(query, new Ball(query.c)), weights[row]!);
            const ball = new Ball(q.c);
            encoders[name]!(q, ball);
            const condition = hyperbolic ? Math.min(...ball.gaps) : 1;
            const compare = (which: number, x: readonly number[], at: (changed: number[]) => Query): void => {
              const expected = x.map((_, i) => derivative((v) => value(at(x.with(i, v))), x[i]!, norm(x)));
              const error = norm(gradients[which]![row]!.map((g, i) => g - expected[i]!));
              // Values whose own gradient vanishes inherit the error of the terms that cancel in it: hence a floor in units of
              // the query's length over the variable's length. 1e-6 of it is what central differences leave.
              const scale = norm(expected) + norm(encoders[name]!(q, new Ball(q.c))) / norm(x);
              expect(error).toBeLessThanOrEqual(((24 * EPS) / condition + 1e-6) * scale);
            };
            compare(0, q.head, (head) => ({ ...q, head }));
            tables.forEach((table, i) => {
              if (shared.includes(table)) return;
              compare(i + 1, q.rows[table]!, (changed) => ({ ...q, rows: { ...q.rows, [table]: changed } }));
            });
            if (hyperbolic) compare(tables.length + 1, [q.c], ([c]) => ({ ...q, c: c! }));
          });
        });
      }),
      { numRuns: 12 },
    );
  });

  it.each(names)("%s has finite scores and gradients at zero vectors, at q = e and on the boundary", (name) => {
    const definition = modelDefinition(name);
    for (const radius of [0, 1e-20, 1e-3, 1, 6.1, 20, 1e4]) {
      tf.tidy(() => {
        const { queries } = batch(tf, name, { seed: 7, dim: 8, c: [1e-3, 1, 5] }, [1]);
        const scaled = queries.map((q): Query => {
          const scale = (x: readonly number[]): number[] => x.map((v) => (v * radius) / Math.sqrt(q.c));
          const rows = Object.entries(q.rows).map(([table, x]) => [table, scale(x)]);
          return { ...q, head: scale(q.head), rows: Object.fromEntries(rows) as Query["rows"] };
        });
        const { head, relation, curvature } = inputsOf(tf, name, scaled);
        const variables = [head, ...Object.values(relation), ...(curvature ? [curvature] : [])];
        const score = (...values: Tensor[]): Tensor => {
          const rows = Object.keys(relation).map((table, i) => [table, values[i + 1]]);
          const encoderInputs: EncoderInputs = {
            head: values[0] as Tensor2D,
            relation: Object.fromEntries(rows) as Record<string, Tensor2D>,
            curvature: curvature && values.at(-1),
          };
          const query = definition.encode(tf, encoderInputs);
          // The head itself, the zero vector and another entity as candidates.
          const entities = tf.stack([values[0]!, tf.zerosLike(values[0]!), tf.neg(values[0]!)], 1);
          return tf.sum(similarity(tf, definition.similarity, query, entities, encoderInputs.curvature));
        };
        for (const result of [score(...variables), ...tf.grads(score)(variables)]) {
          for (const x of result.dataSync()) expect(Number.isFinite(x), `${name} at radius ${radius}`).toBe(true);
        }
      });
    }
  });

  it("leaves no tensor behind, step after step", () => {
    const before = tf.memory().numTensors;
    for (let step = 0; step < 3; step++) {
      for (const name of names) {
        tf.tidy(() => {
          const { inputs, candidates } = batch(tf, name, { seed: step, dim: 4, c: [1, 1, 1] }, [1]);
          const score = (head: Tensor): Tensor => {
            const query = modelDefinition(name).encode(tf, { ...inputs, head: head as Tensor2D });
            return tf.sum(
              similarity(tf, modelDefinition(name).similarity, query, tf.tensor3d(candidates), inputs.curvature),
            );
          };
          tf.grads((head) => score(head))([inputs.head]);
        });
      }
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

/** The fourth-order central difference, with a step for values of the given magnitude. */
function derivative(f: (x: number) => number, x: number, magnitude: number): number {
  const step = 1e-3 * magnitude;
  return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
}
