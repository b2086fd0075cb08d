import { describe, expect, it } from "vitest";
import {
  checkModel,
  createModel,
  defineModel,
  expmap0,
  loadTf,
  type ModelDefinition,
  modelDefinition,
  modelNames,
  MuldeError,
  type Tensor,
  type Tensor2D,
  type Tf,
} from "../src/index.js";
import "./_backends.js";
import { builtIns } from "./_passes.js";
import { real, whole } from "./_tfjs.js";

const vector = { width: (dim: number) => dim, init: "normal" } as const;

/** A translation after an elementwise product, with what is to be different. */
const affine = (change: Partial<ModelDefinition> = {}): ModelDefinition => ({
  name: "Broken",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: { scale: { ...vector, init: "uniform" }, shift: vector },
  encode: (tf, { head, relation }) => tf.add(tf.mul(head, relation.scale!), relation.shift!),
  ...change,
});
const encodes = (encode: ModelDefinition["encode"], change: Partial<ModelDefinition> = {}): ModelDefinition =>
  affine({ tables: { shift: vector }, encode, ...change });

async function refused(run: Promise<unknown>): Promise<MuldeError> {
  const error = await run.then(
    () => new Error("nothing was thrown"),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(MuldeError);
  return error as MuldeError;
}

describe("checkModel", () => {
  it.each(builtIns)("finds %s right", async (name) => {
    const report = await checkModel(modelDefinition(name), { seeds: [1, 2] });
    expect(report).toMatchObject({ name, seeds: [1, 2], skipped: 0 });
    expect(report.compared).toBeGreaterThan(100);
  });

  it("tells what it tried, and registers nothing", async () => {
    const report = await checkModel(affine({ name: "Fine" }), { dims: [3], seeds: [5] });
    expect(report).toMatchObject({ name: "Fine", dims: [3], curvatures: [], seeds: [5], compared: 27, skipped: 0 });
    expect(report.worst).toBeLessThan(1e-4);
    expect(modelNames()).not.toContain("Fine");
    const few = await checkModel(affine({ maxDim: 1 }), { seeds: [1] });
    expect(few.dims).toEqual([1]);
  });

  it("leaves out values beside a kink", async () => {
    const steps = encodes((tf, { head, relation }) => {
      // Kinks everywhere: a sawtooth of the slopes 1 and -1.
      const x = tf.mul(tf.add(head, relation.shift!), 30);
      return tf.div(tf.abs(tf.sub(tf.mod(x, 2), 1)), 30);
    });
    const { compared, skipped } = await checkModel(steps, { dims: [4], seeds: [1, 2, 3, 4] });
    expect(compared + skipped).toBe(96);
    expect(skipped).toBeGreaterThan(0);
  });

  it("refuses dimensions that the definition does not have", async () => {
    for (const dim of [3, 0, 2.5, 2048]) {
      const error = await refused(checkModel(affine({ dimMultiple: 2 }), { dims: [dim] }));
      expect(error).toMatchObject({ code: "MODELS_CONFIG", path: ["dims"], value: dim });
    }
  });

  it("refuses fields as defineModel does", async () => {
    const error = await refused(checkModel(affine({ tables: { curvature: vector } })));
    expect(error).toMatchObject({ code: "MODELS_DEFINITION", path: ["Broken", "tables", "curvature"] });
  });
});

const wrongSine = (x: Tensor, tf: Tf): Tensor =>
  whole(tf).customGrad((y) => ({
    value: real(tf.sin(y as Tensor)),
    gradFunc: (dy: Tensor) => real(tf.mul(dy, tf.sin(y as Tensor))),
  }))(real(x));

const encodePath = ["Broken", "encode"];
const broken: [string, ModelDefinition, string[], RegExp][] = [
  [
    "returns another shape",
    encodes((tf, { head, relation }) => tf.concat([head, relation.shift!], 1)),
    encodePath,
    /must return a float32 tensor of the shape \[3, 4\] for 3 queries of dimension 4, but returns the shape \[3, 8\]/,
  ],
  [
    "returns one row for all",
    affine({
      tables: { shift: { ...vector, rows: "one" } },
      encode: (tf, { relation }) => tf.mul(relation.shift!, 2),
    }),
    encodePath,
    /returns the shape \[1, 4\]/,
  ],
  [
    "loses its batch when it is one query",
    encodes((tf, { head, relation }) => tf.squeeze(tf.add(head, relation.shift!))),
    encodePath,
    /for 1 query of dimension 4, but returns the shape \[4\]/,
  ],
  [
    "returns whole numbers",
    encodes((tf, { head, relation }) => tf.cast(tf.add(head, relation.shift!), "int32")),
    encodePath,
    /returns the dtype int32/,
  ],
  [
    "returns nothing",
    encodes((_, { relation }) => (relation.shift ? undefined : undefined) as never),
    encodePath,
    /returns no tensor/,
  ],
  [
    "is asynchronous",
    encodes((async (_: unknown, { head, relation }: { head: Tensor2D; relation: Record<string, Tensor2D> }) =>
      Promise.resolve(relation.shift && head)) as never),
    encodePath,
    /returns a Promise; make it synchronous/,
  ],
  [
    "throws",
    encodes((tf, { head, relation }) => tf.matMul(head, relation.shift!)),
    encodePath,
    /encode fails for 3 queries of dimension 4: [^.]+.*\.$/,
  ],
  [
    "is not hyperbolic and asks for a curvature",
    encodes((tf, { head, relation, curvature }) => expmap0(tf, tf.add(head, relation.shift!), curvature!)),
    encodePath,
    /encode fails/,
  ],
  [
    "never reads a table",
    affine({ tables: { scale: vector, shift: vector, extra: vector } }),
    ["Broken", "tables", "extra"],
    /never reads the table extra; read it, or take it out of tables/,
  ],
  [
    "never reads the head",
    encodes((tf, { relation }) => tf.mul(relation.shift!, 2)),
    encodePath,
    /has no gradient by the head/,
  ],
  [
    "uses an op without a gradient",
    encodes((tf, { head, relation }) => tf.add(head, tf.where(tf.greater(relation.shift!, 0), relation.shift!, 0))),
    ["Broken", "tables", "shift"],
    /has no gradient by the table shift: Cannot compute gradient: .*Greater/,
  ],
  [
    "leaves the ball",
    encodes((tf, { head, relation }) => tf.add(head, relation.shift!), { similarity: "hyperbolic" }),
    encodePath,
    /outside the ball: sqrt\(c\)\|q\| is \d.*expmap0, or pull points back by project/,
  ],
  [
    "comes too near to the boundary",
    encodes(
      (tf, { head, relation, curvature }) => {
        const u = tf.add(head, relation.shift!);
        const length = tf.sqrt(tf.mul(tf.sum(tf.square(u), 1, true), curvature!));
        return tf.mul(u, tf.div(tf.tanh(length), length));
      },
      { similarity: "hyperbolic" },
    ),
    encodePath,
    /sqrt\(c\)\|q\| is (1\.0|0\.99999)/,
  ],
  [
    "is random",
    encodes((tf, { head, relation }) => tf.add(head, whole(tf).dropout(real(relation.shift!), 0.5))),
    encodePath,
    /gives other points when the same queries come again/,
  ],
  [
    "mixes the queries of a batch",
    encodes((tf, { head, relation }) => tf.sub(tf.add(head, relation.shift!), tf.mean(head, 0, true))),
    encodePath,
    /another point when other queries stand beside it/,
  ],
  [
    "divides by zero",
    encodes((tf, { head, relation }) => tf.div(head, tf.sub(relation.shift!, relation.shift!))),
    encodePath,
    /gives -?Infinity for a head of length 0\.00\d+; coordinates must be finite/,
  ],
  [
    "has an infinite gradient",
    encodes((tf, { head, relation }) => tf.add(head, tf.sqrt(tf.sub(relation.shift!, relation.shift!)))),
    ["Broken", "tables", "shift"],
    /has a gradient of NaN by the table shift, row 0, column 0/,
  ],
];

describe("an encoder that", () => {
  it.each(broken)("%s is refused by checkModel", async (_, definition, path, message) => {
    const error = await refused(checkModel(definition, { dims: [4], seeds: [1] }));
    expect(error).toMatchObject({ code: "MODELS_DEFINITION", path });
    expect(error.message).toMatch(message);
  });

  it.each(broken)("%s is refused when a model is created", async (_, definition, path, message) => {
    defineModel(definition);
    const error = await refused(createModel({ model: "Broken", dim: 4, entities: 3, relations: 1 }));
    expect(error).toMatchObject({ code: "MODELS_DEFINITION", path });
    expect(error.message).toMatch(message);
  });

  it("has a wrong gradient is refused by checkModel, with the table and the entry", async () => {
    for (const [table, encode] of [
      ["shift", (tf, { head, relation }) => tf.add(head, wrongSine(relation.shift!, tf))],
      ["one", (tf, { head, relation }) => tf.add(head, wrongSine(relation.one!, tf))],
    ] as [string, ModelDefinition["encode"]][]) {
      const rows = table === "one" ? ({ rows: "one" } as const) : {};
      const error = await refused(checkModel(affine({ tables: { [table]: { ...vector, ...rows } }, encode })));
      expect(error).toMatchObject({ code: "MODELS_DEFINITION", path: ["Broken", "tables", table] });
      expect(error.message).toMatch(
        new RegExp(
          `wrong gradient by the table ${table}, row 0, column 0: -?[\\d.e-]+, .* give [\\d.-]+ \\(dimension 2, seed 1\\)`,
        ),
      );
    }
    const head = await refused(
      checkModel(encodes((tf, { head, relation }) => tf.add(wrongSine(head, tf), relation.shift!))),
    );
    expect(head.message).toMatch(/^Broken\.encode: encode has a wrong gradient by the head/);
  });

  it("has no derivative anywhere is refused by checkModel", async () => {
    const noise = encodes((tf, { head, relation }) => tf.mul(tf.sin(tf.mul(tf.add(head, relation.shift!), 1e6)), 1));
    const error = await refused(checkModel(noise));
    expect(error.code).toBe("MODELS_DEFINITION");
  });

  it("names a table that is not declared is refused with the tables that are", async () => {
    const { relationRows } = await import("../src/index.js");
    const error = await refused(
      checkModel(encodes((tf, inputs) => tf.add(inputs.head, relationRows(inputs, "toString")))),
    );
    expect(error).toMatchObject({ code: "MODELS_TABLE", path: encodePath });
    expect(error.message).toMatch(/"toString", but the tables are: shift/);
  });

  it("works in one dimension and not in another is refused where it does not", async () => {
    defineModel(
      affine({
        name: "OfFour",
        encode: (tf, { head, relation }) => tf.reshape(tf.add(tf.mul(head, relation.scale!), relation.shift!), [-1, 4]),
      }),
    );
    const shape = { model: "OfFour", entities: 3, relations: 1 };
    expect((await createModel({ ...shape, dim: 4 })).dim).toBe(4);
    expect((await refused(createModel({ ...shape, dim: 6 }))).code).toBe("MODELS_DEFINITION");
  });

  it("was found to work is not run again for the same dimension", async () => {
    let runs = 0;
    defineModel(
      affine({
        name: "Counted",
        encode: (tf, { head, relation }) => {
          runs++;
          return tf.add(tf.mul(head, relation.scale!), relation.shift!);
        },
      }),
    );
    const options = { model: "Counted", dim: 4, entities: 3, relations: 1 };
    await createModel(options);
    expect(runs).toBeGreaterThan(0);
    runs = 0;
    await createModel(options);
    expect(runs).toBe(0);
    await createModel({ ...options, dim: 5 });
    expect(runs).toBeGreaterThan(0);
  });

  it("is tried out leaves no tensor behind", async () => {
    const tf = await loadTf();
    await checkModel(affine());
    const { numTensors } = tf.memory();
    await checkModel(affine());
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
