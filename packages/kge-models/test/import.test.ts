import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Random } from "@mulde/kernels";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeSafetensors, importModel, type ImportOptions, type ImportSource } from "../src/index.js";

// Our order, and theirs.
const entities = ["a", "b", "c", "d", "e"];
const relations = ["likes", "knows", "owns"];
const theirEntities = ["d", "b", "e", "a", "c"];
const theirRelations = ["owns", "likes", "knows"];
const N = entities.length;
const R = relations.length;
const d = 4;

type Rows = number[][];
type Tensors = Record<string, Rows>;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-import-"));
});
afterEach(() => rm(directory, { recursive: true }));

const random = new Random(8);
const rows = (n: number, width: number, size = 0.4): Rows =>
  Array.from({ length: n }, () => Array.from({ length: width }, () => Math.fround(size * random.normal())));

async function imported(tensors: Tensors, options: Pick<ImportOptions, "from" | "model"> & Partial<ImportOptions>) {
  const file = join(directory, "model.safetensors");
  const flat = Object.entries(tensors).map(([name, table]) => {
    const data = Float64Array.from(table.flat());
    return [name, { shape: [table.length, table[0]!.length], data }] as const;
  });
  await writeFile(file, encodeSafetensors(Object.fromEntries(flat)));
  const entityOrder = join(directory, "entities.txt");
  const relationOrder = join(directory, "relations.txt");
  await writeFile(entityOrder, `${theirEntities.join("\n")}\n`);
  await writeFile(relationOrder, `${theirRelations.join("\n")}\n`);
  return importModel({ file, entities, relations, entityOrder, relationOrder, ...options });
}

/** Every triple (h, r, t) of our ids, and theirs. */
const triples = entities.flatMap((_, h) => relations.flatMap((__, r) => entities.map((___, t) => [h, r, t] as const)));
const theirs = ([h, r, t]: readonly [number, number, number]): [number, number, number] => [
  theirEntities.indexOf(entities[h]!),
  theirRelations.indexOf(relations[r]!),
  theirEntities.indexOf(entities[t]!),
];

/** Compares both directions: what the library answers to (h, r, ?) and to (?, r, t). */
async function expectScores(
  tensors: Tensors,
  options: Pick<ImportOptions, "from" | "model"> & Partial<ImportOptions>,
  tail: (h: number, r: number, t: number) => number,
  head = tail,
): Promise<void> {
  const model = await imported(tensors, options);
  const column = (at: 0 | 1 | 2, offset = 0) => Int32Array.from(triples, (triple) => triple[at] + offset);
  const { length } = triples;
  const tails = model.score({ heads: column(0), relations: column(1), tails: column(2), length });
  const heads = model.score({ heads: column(2), relations: column(1, R), tails: column(0), length });
  triples.forEach((triple, i) => {
    const [h, r, t] = theirs(triple);
    expect(tails[i], `tail query ${triple.join()}`).toBeCloseTo(tail(h, r, t), 4);
    expect(heads[i], `head query ${triple.join()}`).toBeCloseTo(head(h, r, t), 4);
  });
  model.dispose();
}

const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
const add = (x: readonly number[], y: readonly number[]): number[] => x.map((v, i) => v + y[i]!);
const times = (x: readonly number[], y: readonly number[]): number[] => x.map((v, i) => v * y[i]!);
const scaled = (x: readonly number[], f: number): number[] => x.map((v) => f * v);
const square = (x: readonly number[]): number => dot(x, x);

/** KGEmb's own geometry. */
function givens(g: readonly number[], x: readonly number[], reflect: boolean): number[] {
  return x.map((_, i) => {
    const at = i - (i % 2);
    const length = Math.hypot(g[at]!, g[at + 1]!);
    const [a, b] = [g[at]! / length, g[at + 1]! / length];
    const [x0, x1] = [x[at]!, x[at + 1]!];
    if (i % 2 === 0) return reflect ? a * x0 + b * x1 : a * x0 - b * x1;
    return reflect ? b * x0 - a * x1 : b * x0 + a * x1;
  });
}
function expmap0(u: readonly number[], c: number): number[] {
  const n = Math.sqrt(c * square(u));
  return scaled(u, Math.tanh(n) / n);
}
function mobiusAdd(x: readonly number[], y: readonly number[], c: number): number[] {
  const [xy, xx, yy] = [dot(x, y), square(x), square(y)];
  const sum = add(scaled(x, 1 + 2 * c * xy + c * yy), scaled(y, 1 - c * xx));
  return scaled(sum, 1 / (1 + 2 * c * xy + c * c * xx * yy));
}
function hyperbolicScore(q: readonly number[], tail: readonly number[], c: number): number {
  const gap = Math.sqrt(square(mobiusAdd(scaled(q, -1), expmap0(tail, c), c)));
  return -(((2 / Math.sqrt(c)) * Math.atanh(Math.sqrt(c) * gap)) ** 2);
}
function attended(rot: readonly number[], ref: readonly number[], context: readonly number[]): number[] {
  const [x, y] = [dot(context, ref), dot(context, rot)].map((v) => Math.exp(v / Math.sqrt(d)));
  return add(scaled(ref, x! / (x! + y!)), scaled(rot, y! / (x! + y!)));
}

describe("a model of KGEmb", () => {
  const biases = (): Tensors => ({ "bh.weight": rows(N, 1), "bt.weight": rows(N, 1) });
  const entity = (): Tensors => ({ "entity.weight": rows(N, d) });

  const flat: Record<string, [Tensors, (t: Tensors, h: number[], r: number) => number[]]> = {
    TransE: [{ "rel.weight": rows(2 * R, d) }, (t, h, r) => add(h, t["rel.weight"]![r]!)],
    DistMult: [{ "rel.weight": rows(2 * R, d) }, (t, h, r) => times(h, t["rel.weight"]![r]!)],
    MuRE: [
      { "rel.weight": rows(2 * R, d), "rel_diag.weight": rows(2 * R, d) },
      (t, h, r) => add(times(t["rel_diag.weight"]![r]!, h), t["rel.weight"]![r]!),
    ],
    RotE: [
      { "rel.weight": rows(2 * R, d), "rel_diag.weight": rows(2 * R, d) },
      (t, h, r) => add(givens(t["rel_diag.weight"]![r]!, h, false), t["rel.weight"]![r]!),
    ],
    RefE: [
      { "rel.weight": rows(2 * R, d), "rel_diag.weight": rows(2 * R, d) },
      (t, h, r) => add(givens(t["rel_diag.weight"]![r]!, h, true), t["rel.weight"]![r]!),
    ],
    AttE: [
      {
        "rel.weight": rows(2 * R, d),
        "rot.weight": rows(2 * R, d),
        "ref.weight": rows(2 * R, d),
        "context_vec.weight": rows(2 * R, d, 2),
      },
      (t, h, r) => {
        const rot = givens(t["rot.weight"]![r]!, h, false);
        const ref = givens(t["ref.weight"]![r]!, h, true);
        return add(attended(rot, ref, t["context_vec.weight"]![r]!), t["rel.weight"]![r]!);
      },
    ],
  };
  it.each(Object.entries(flat))("%s", async (model, [own, encode]) => {
    const t: Tensors = { ...own, ...entity(), ...biases() };
    const score = (h: number, r: number, e: number): number => {
      const q = encode(t, t["entity.weight"]![h]!, r);
      const tail = t["entity.weight"]![e]!;
      const similarity = model === "DistMult" ? dot(q, tail) : -square(add(q, scaled(tail, -1)));
      return similarity + t["bh.weight"]![h]![0]! + t["bt.weight"]![e]![0]!;
    };
    await expectScores(t, { from: "kgemb", model }, score, (h, r, e) => score(e, r + R, h));
  });

  const halves = (row: readonly number[]): [number[], number[]] => [row.slice(0, d), row.slice(d)];
  const curved: Record<string, (t: Tensors, h: number[], r: number, c: number) => number[]> = {
    RotH: (t, h, r, c) => {
      const [rel1, rel2] = halves(t["rel.weight"]![r]!).map((x) => expmap0(x, c)) as [number[], number[]];
      return mobiusAdd(givens(t["rel_diag.weight"]![r]!, mobiusAdd(expmap0(h, c), rel1, c), false), rel2, c);
    },
    RefH: (t, h, r, c) => {
      const [rel] = halves(t["rel.weight"]![r]!);
      return mobiusAdd(expmap0(givens(t["rel_diag.weight"]![r]!, h, true), c), expmap0(rel, c), c);
    },
    AttH: (t, h, r, c) => {
      const [rot, ref] = halves(t["rel_diag.weight"]![r]!);
      const q = attended(givens(rot, h, false), givens(ref, h, true), t["context_vec.weight"]![r]!);
      return mobiusAdd(expmap0(q, c), expmap0(halves(t["rel.weight"]![r]!)[0], c), c);
    },
  };
  describe.each([2 * R, 1])("of curvatures in %i rows", (curvatures) => {
    it.each(Object.entries(curved))("%s", async (model, encode) => {
      const t: Tensors = {
        ...entity(),
        ...biases(),
        "rel.weight": rows(2 * R, 2 * d),
        "rel_diag.weight": rows(2 * R, model === "AttH" ? 2 * d : d),
        "c.weight": rows(curvatures, 1, 1),
        ...(model === "AttH" && { "context_vec.weight": rows(2 * R, d, 2) }),
      };
      const score = (h: number, r: number, e: number): number => {
        const c = Math.log1p(Math.exp(t["c.weight"]![curvatures === 1 ? 0 : r]![0]!));
        const q = encode(t, t["entity.weight"]![h]!, r, c);
        return hyperbolicScore(q, t["entity.weight"]![e]!, c) + t["bh.weight"]![h]![0]! + t["bt.weight"]![e]![0]!;
      };
      await expectScores(t, { from: "kgemb", model }, score, (h, r, e) => score(e, r + R, h));
    });
  });
});

/** Re(sum of h r conj(t)), of numbers as a library lays them out. */
function complexScore(parts: (row: readonly number[]) => [re: number[], im: number[]]) {
  return (h: readonly number[], r: readonly number[], t: readonly number[]): number => {
    const [[a, b], [x, y], [u, v]] = [parts(h), parts(r), parts(t)];
    return a.reduce((sum, _, k) => {
      const [re, im] = [a[k]! * x[k]! - b[k]! * y[k]!, a[k]! * y[k]! + b[k]! * x[k]!];
      return sum + re * u[k]! + im * v[k]!;
    }, 0);
  };
}
const asHalves = complexScore((row) => [row.slice(0, d / 2), row.slice(d / 2)]);
const asPairs = complexScore((row) => [row.filter((_, i) => i % 2 === 0), row.filter((_, i) => i % 2 === 1)]);
const scores = {
  // Squared, as it is here; the libraries' own is its root.
  TransE: (h: number[], r: number[], t: number[]) => -square(add(add(h, r), scaled(t, -1))),
  DistMult: (h: number[], r: number[], t: number[]) => dot(times(h, r), t),
};

describe.each([
  ["libkge", "_entity_embedder._embeddings.weight", "_relation_embedder._embeddings.weight", asHalves],
  ["pykeen", "entity_representations.0._embeddings.weight", "relation_representations.0._embeddings.weight", asPairs],
  ["dglke", "entity", "relation", asHalves],
] as const)("a model of %s", (from, entityName, relationName, complEx) => {
  it.each(["TransE", "DistMult", "ComplEx"] as const)("%s, which has no reciprocal relations", async (model) => {
    const t = { [entityName]: rows(N, d), [relationName]: rows(R, d) };
    const score = model === "ComplEx" ? complEx : scores[model];
    await expectScores(t, { from, model, norm: 2 }, (h, r, e) =>
      score(t[entityName]![h]!, t[relationName]![r]!, t[entityName]![e]!),
    );
  });

  if (from === "dglke") return;
  it("ComplEx with reciprocal relations", async () => {
    const prefix = from === "libkge" ? "_base_model." : "";
    const [e, r] = [`${prefix}${entityName}`, `${prefix}${relationName}`];
    const t = { [e]: rows(N, d), [r]: rows(2 * R, d) };
    // PyKEEN numbers a relation and its inverse 2r and 2r + 1.
    const [forward, inverse] =
      from === "pykeen"
        ? [(id: number) => 2 * id, (id: number) => 2 * id + 1]
        : [(id: number) => id, (id: number) => id + R];
    const score = (h: number, row: number, tail: number): number => complEx(t[e]![h]!, t[r]![row]!, t[e]![tail]!);
    await expectScores(
      t,
      { from, model: "ComplEx" },
      (h, rel, tail) => score(h, forward(rel), tail),
      (h, rel, tail) => score(tail, inverse(rel), h),
    );
  });
});

describe("vocabulary files", () => {
  const t = () => ({ entity: rows(N, d), relation: rows(R, d) });
  const numbered = theirEntities.map((name, row) => [name, row] as const);
  it.each<[string, string, string | Uint8Array]>([
    ["row numbers first", "o.del", numbered.map(([name, row]) => `${row}\t${name}`).join("\n")],
    [
      "names first, in any order",
      "o.tsv",
      [...numbered]
        .reverse()
        .map((pair) => pair.join("\t"))
        .join("\n"),
    ],
    ["a count in the first line", "o.txt", `${N}\n${numbered.map((pair) => pair.join("\t")).join("\n")}\n`],
    [
      "a heading, gzipped",
      "o.tsv.gz",
      gzipSync(`id\tlabel\n${numbered.map(([name, row]) => `${row}\t${name}`).join("\n")}\n`),
    ],
  ])("may have %s", async (_, name, content) => {
    const entityOrder = join(directory, name);
    await writeFile(entityOrder, content);
    const tensors = t();
    const model = await imported(tensors, { from: "dglke", model: "DistMult", entityOrder });
    const expected = entities.flatMap((entity) => tensors.entity[theirEntities.indexOf(entity)]!);
    expect([...model.table("entity").data]).toEqual(expected);
    model.dispose();
  });

  it.each<[string, string[], RegExp]>([
    ["lacks a name", ["d", "b", "e", "a"], /order\.txt: There is no entity "c"; give the vocabulary file/],
    ["has one more", [...theirEntities, "f"], /order\.txt: The entity "f" is not among those of the data set/],
    [
      "has numbers twice",
      ["0\td", "7\tb", "7\te"],
      /order\.txt: Every line must hold a name, or a name and one of the row numbers 0 to 2/,
    ],
    ["has a name twice", ["d", "b", "e", "a", "c", "b"], /order\.txt: The rows 1 and 5 are both of the entity "b"/],
    ["has no names at all", [], /order\.txt: There is no entity "a"/],
  ])("that %s is named", async (_, lines, expected) => {
    const entityOrder = join(directory, "order.txt");
    await writeFile(entityOrder, lines.join("\n"));
    await expect(imported(t(), { from: "dglke", model: "DistMult", entityOrder })).rejects.toThrow(expected);
  });
});

describe("a vocabulary file", () => {
  const t = () => ({ entity: rows(N, d), relation: rows(R, d) });
  it.each<[string, string, Uint8Array, RegExp]>([
    ["holds far more than the names", "o.txt", Buffer.alloc(1 << 20, "x\n"), /^The file is far longer than the names/],
    ["unpacks to far more", "o.gz", gzipSync(Buffer.alloc(64 << 20)), /^The file is far longer than the names/],
    ["is no gzip", "o.gz", Buffer.from("a\nb\n"), /^The file cannot be unpacked as gzip/],
    ["ends in mid-gzip", "o.gz", gzipSync("a\nb\nc\nd\ne\n").subarray(0, 20), /^The file cannot be unpacked as gzip/],
    ["is not UTF-8", "o.txt", Buffer.of(0xc3, 0x28), /^The file is not UTF-8/],
  ])("that %s is refused", async (_, name, content, reason) => {
    const entityOrder = join(directory, name);
    await writeFile(entityOrder, content);
    await expect(imported(t(), { from: "dglke", model: "DistMult", entityOrder })).rejects.toMatchObject({
      code: "MODELS_IMPORT",
      file: entityOrder,
      reason: expect.stringMatching(reason) as string,
    });
  });

  it("that is missing is named", async () => {
    const entityOrder = join(directory, "nowhere");
    await expect(imported(t(), { from: "dglke", model: "DistMult", entityOrder })).rejects.toMatchObject({
      code: "MODELS_NOT_FOUND",
      message: `${entityOrder}: there is no such file; check the path.`,
    });
  });

  it("may begin with a byte order mark", async () => {
    const entityOrder = join(directory, "o.txt");
    await writeFile(entityOrder, `\ufeff${theirEntities.join("\n")}`);
    (await imported(t(), { from: "dglke", model: "DistMult", entityOrder })).dispose();
  });
});

describe("a file of parameters", () => {
  const t = () => ({ entity: rows(N, d), relation: rows(R, d) });
  const order = async () => {
    await imported(t(), { from: "dglke", model: "DistMult" });
    return {
      from: "dglke" as const,
      model: "DistMult",
      file: join(directory, "model.safetensors"),
      entities,
      relations,
      entityOrder: join(directory, "entities.txt"),
      relationOrder: join(directory, "relations.txt"),
    };
  };

  it("may hold tensors that nothing needs, of any dtype", async () => {
    const options = await order();
    const bytes = await readFile(options.file);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<string, unknown>;
    const end = bytes.length - 8 - length;
    header.steps = { dtype: "I64", shape: [], data_offsets: [end, end + 8] };
    header.mask = { dtype: "BOOL", shape: [3], data_offsets: [end + 8, end + 11] };
    const write = async (): Promise<void> => {
      const json = Buffer.from(JSON.stringify(header));
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(json.length));
      await writeFile(options.file, Buffer.concat([prefix, json, bytes.subarray(8 + length), Buffer.alloc(11)]));
    };
    await write();
    (await importModel(options)).dispose();
    // What is needed must be of one that can be converted.
    (header.entity as { dtype: string }).dtype = "I64";
    await write();
    await expect(importModel(options)).rejects.toMatchObject({ code: "SAFETENSORS_DTYPE", file: options.file });
  });

  it.each<[string, Record<string, { shape: number[]; data: Float32Array }>, RegExp]>([
    [
      "no rows",
      { entity: { shape: [0, 8], data: new Float32Array() } },
      /^The tensor "entity" has the shape \[0, 8\], so it holds no values/,
    ],
    [
      "rows without values",
      { entity: { shape: [5, 0], data: new Float32Array() } },
      /^The tensor "entity" has the shape \[5, 0\], so it holds no values/,
    ],
    ["a scalar", { entity: { shape: [], data: Float32Array.of(1) } }, /are 1 x 1, but 5 x 1 are needed/],
  ])("is refused with %s", async (_, tensors, reason) => {
    const options = await order();
    const relation = { shape: [R, d], data: Float32Array.from(rows(R, d).flat()) };
    await writeFile(options.file, encodeSafetensors({ relation, ...tensors }));
    await expect(importModel(options)).rejects.toMatchObject({
      code: "MODELS_IMPORT",
      file: options.file,
      reason: expect.stringMatching(reason) as string,
    });
  });

  it("is refused where rows of two parts have an odd width", async () => {
    const width = { "entity.weight": rows(N, d), "bh.weight": rows(N, 1), "bt.weight": rows(N, 1), c: rows(1, 1) };
    const odd = { ...width, "rel.weight": rows(2 * R, 2 * d + 1), "rel_diag.weight": rows(2 * R, d) };
    await expect(imported(odd, { from: "kgemb", model: "RotH" })).rejects.toMatchObject({
      code: "MODELS_IMPORT",
      file: join(directory, "model.safetensors"),
      reason: expect.stringMatching(/^The tensor "rel\.weight" has rows of 9 values/) as string,
    });
    const complex = { entity: rows(N, 3), relation: rows(R, 3) };
    await expect(imported(complex, { from: "dglke", model: "ComplEx" })).rejects.toMatchObject({
      code: "MODELS_IMPORT",
      reason: expect.stringMatching(/^The tensor "entity" has rows of 3 values/) as string,
    });
  });

  it("is named if it is missing, cut off, or too wide", async () => {
    const options = await order();
    await truncate(options.file, 200);
    await expect(importModel(options)).rejects.toMatchObject({ code: "SAFETENSORS_TRUNCATED", file: options.file });
    await rm(options.file);
    await expect(importModel(options)).rejects.toMatchObject({ code: "MODELS_NOT_FOUND", file: options.file });
    const wide = { entity: rows(N, 2000), relation: rows(R, 2000) };
    await expect(imported(wide, { from: "dglke", model: "DistMult" })).rejects.toMatchObject({
      code: "MODELS_CONFIG",
      file: options.file,
      path: ["dim"],
    });
  });
});

describe("what cannot be imported", () => {
  const t = () => ({ entity: rows(N, d), relation: rows(R, d) });
  it.each<[string, Tensors, { from: string; model: string; norm?: 1 | 2 }, RegExp]>([
    [
      "a model that the mapping lacks",
      t(),
      { from: "dglke", model: "RotH" },
      /RotH of dglke cannot be imported; known are TransE, DistMult, ComplEx/,
    ],
    [
      "another library",
      t(),
      { from: "openke", model: "TransE" },
      /^from: must be one of kgemb, libkge, pykeen, dglke, but is "openke"/,
    ],
    [
      "an L1 distance",
      t(),
      { from: "dglke", model: "TransE", norm: 1 },
      /^norm: TransE of DGL-KE scores by the L1 norm; only L2/,
    ],
    [
      "a missing tensor",
      { entity: rows(N, d), rel: rows(R, d) },
      { from: "dglke", model: "DistMult" },
      /There is no tensor "relation"; there are entity, rel\./,
    ],
    [
      "too few rows",
      { entity: rows(N - 1, d), relation: rows(R, d) },
      { from: "dglke", model: "DistMult" },
      /model\.safetensors: .*table "entity" are 4 x 4, but 5 x 4/,
    ],
    [
      "another width",
      { entity: rows(N, d), relation: rows(R, d - 2) },
      { from: "dglke", model: "ComplEx" },
      /table "relation" are 6 x 2, but 6 x 4/,
    ],
    [
      "a NaN",
      { entity: rows(N, d, NaN), relation: rows(R, d) },
      { from: "dglke", model: "DistMult" },
      /Table "entity" holds NaN/,
    ],
  ])("%s", async (_, tensors, options, expected) => {
    const from = options.from as ImportSource;
    await expect(imported(tensors, { ...options, from })).rejects.toThrow(expected);
  });

  it("TransE of LibKGE and PyKEEN, unless its norm is given as 2", async () => {
    for (const from of ["libkge", "pykeen"] as const) {
      const tensors = {
        "_entity_embedder._embeddings.weight": rows(N, d),
        "_relation_embedder._embeddings.weight": rows(R, d),
        "entity_representations.0._embeddings.weight": rows(N, d),
        "relation_representations.0._embeddings.weight": rows(R, d),
      };
      await expect(imported(tensors, { from, model: "TransE" })).rejects.toThrow(/L1 norm by default; only L2/);
    }
  });
});
