import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createKernels } from "@mulde/kernels";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createModel,
  decodeSafetensors,
  defineModel,
  encodeSafetensors,
  type KgeModel,
  loadModel,
  saveModel,
} from "../src/index.js";
import "./_backends.js";
import { builtIns, lively } from "./_passes.js";

const names = {
  entities: ["dog.n.01", "Köln", "a name with spaces", "", "終"],
  relations: ["hypernym", "part of"],
};
const files = ["config.json", "entities.tsv", "model.safetensors", "relations.tsv"];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-store-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const make = (model = "RotH", curvature: "shared" | "relation" = "shared"): Promise<KgeModel> =>
  lively({ model, dim: 4, entities: 5, relations: 2, curvature });

function expectSame(actual: KgeModel, expected: KgeModel): void {
  expect(actual.config).toEqual(expected.config);
  expect([...actual.tables.keys()]).toEqual([...expected.tables.keys()]);
  for (const [name, { data }] of expected.tables) {
    const bits = (values: Float32Array) => [...new Uint32Array(values.slice().buffer)];
    expect(bits(actual.table(name).data), name).toEqual(bits(data));
  }
}

describe("a saved model", () => {
  it.each(builtIns)("%s comes back to the last bit", async (name) => {
    for (const curvature of ["shared", "relation"] as const) {
      const model = await make(name, curvature);
      model.table("entity").data.set([-0, 1e-45, 3.4e38]);
      await saveModel(model, join(directory, "deep", name), names);
      const saved = await loadModel(join(directory, "deep", name));
      expectSame(saved.model, model);
      expect(saved).toMatchObject(names);
      expect(saved).not.toHaveProperty("dataset");
      expect(saved).not.toHaveProperty("training");
      model.table("entity").data.set([0.1, 0.2, 0.3]);
      saved.model.table("entity").data.set([0.1, 0.2, 0.3]);
      [model, saved.model].forEach((one) => one.touch());
      const queries = { heads: Int32Array.of(0, 4), relations: Int32Array.of(3, 0) };
      expect([...saved.model.scoreAll(queries)]).toEqual([...model.scoreAll(queries)]);
    }
  });

  it("comes back with its names, data set and training, onto the kernels asked for", async () => {
    const info = {
      ...names,
      dataset: { name: "toy", fingerprint: "abc" },
      training: { seed: 3, metrics: { mrr: 0.1 + 0.2, hits: { "1": 0.5 } }, list: [1, null, "x"] },
    };
    const model = await make();
    await saveModel(model, directory, info);
    const kernels = await createKernels({ engine: "wasm", threads: 1 });
    const saved = await loadModel(directory, { kernels });
    expectSame(saved.model, model);
    expect(saved.model.kernels).toBe(kernels);
    expect(saved).toMatchObject(info);
    expect((await readdir(directory)).sort()).toEqual(files);
    await kernels.engine.close();
  });

  it("of one's own definition comes back, once that is defined", async () => {
    const mine = {
      name: "TanhGated",
      similarity: "euclidean" as const,
      dimMultiple: 1 as const,
      tables: { gate: { width: (dim: number) => dim, init: "uniform" as const } },
      encode: ((tf, { head, relation }) => tf.mul(head, tf.tanh(relation.gate!))) as Parameters<
        typeof defineModel
      >[0]["encode"],
    };
    defineModel(mine);
    const model = await make("TanhGated");
    await saveModel(model, directory, names);
    const saved = await loadModel(directory);
    expectSame(saved.model, model);
    const triples = {
      heads: Int32Array.of(0, 1),
      relations: Int32Array.of(3, 0),
      tails: Int32Array.of(2, 2),
      length: 2,
    };
    expect([...saved.model.score(triples)]).toEqual([...model.score(triples)]);
  });

  it("has the layout that Python's safetensors reads, and plain text beside it", async () => {
    const model = await make("RotH", "relation");
    await saveModel(model, directory, names);
    const bytes = await readFile(join(directory, "model.safetensors"));
    // By hand, from the format's description: length of the header, header, values.
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    expect(
      Object.fromEntries(Object.entries(header).map(([name, { dtype, shape }]) => [name, [dtype, ...shape]])),
    ).toEqual({
      entity: ["F32", 5, 4],
      relation: ["F32", 4, 4],
      rotation: ["F32", 4, 4],
      innerTranslation: ["F32", 4, 4],
      headBias: ["F32", 5, 1],
      tailBias: ["F32", 5, 1],
      curvature: ["F32", 4, 1],
    });
    const [begin] = header.rotation!.data_offsets;
    expect(bytes.readFloatLE(8 + length + begin + 4 * 5)).toBe(model.table("rotation").data[5]);
    const text = (file: string) => readFile(join(directory, file), "utf8");
    expect(await text("entities.tsv")).toBe("0\tdog.n.01\n1\tKöln\n2\ta name with spaces\n3\t\n4\t終\n");
    expect(await text("relations.tsv")).toBe("0\thypernym\n1\tpart of\n");
    expect(JSON.parse(await text("config.json"))).toEqual({
      format: 1,
      model: "RotH",
      dim: 4,
      entities: 5,
      relations: 2,
      curvature: "relation",
    });
  });

  it("is read from what others wrote: biases as vectors, doubles, CRLF, more tensors than needed", async () => {
    const model = await make();
    await saveModel(model, directory, names);
    const { tensors } = decodeSafetensors(await readFile(join(directory, "model.safetensors")), "model");
    const foreign = encodeSafetensors({
      ...tensors,
      headBias: { shape: [5], data: tensors.headBias!.data },
      entity: { shape: [5, 4], data: Float64Array.from(tensors.entity!.data) },
      extra: { shape: [1], data: Int32Array.of(1) },
    });
    await writeFile(join(directory, "model.safetensors"), foreign);
    const text = await readFile(join(directory, "entities.tsv"), "utf8");
    await writeFile(join(directory, "entities.tsv"), text.replaceAll("\n", "\r\n"));
    const saved = await loadModel(directory);
    expectSame(saved.model, model);
    expect(saved.entities).toEqual(names.entities);
  });
});

describe("saving", () => {
  it("refuses names that do not fit or cannot be written, and a NaN, before it touches the disk", async () => {
    const model = await make();
    const out = join(directory, "new");
    const refused = async (info: object, code: string, message: RegExp) => {
      const error: unknown = await saveModel(model, out, { ...names, ...info }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: "MuldeError", code });
      expect((error as Error).message).toMatch(message);
    };
    await refused({ entities: ["a"] }, "MODELS_NAMES", /5 entities, but 1 names/);
    await refused({ relations: ["a", "b", "c"] }, "MODELS_NAMES", /2 relations, but 3 names/);
    for (const odd of ["a\tb", "a\nb", "a\rb"])
      await refused({ relations: ["a", odd] }, "MODELS_NAMES", /tab or a line/);
    model.table("rotation").data[3] = NaN;
    await refused({}, "MODELS_NOT_FINITE", /"rotation" holds NaN at position 3/);
    model.table("rotation").data[3] = -Infinity;
    await refused({}, "MODELS_NOT_FINITE", /-Infinity/);
    expect(await readdir(directory)).toEqual([]);
  });

  it("replaces a model whole, or leaves it as it was", async () => {
    const first = await make();
    await saveModel(first, directory, names);
    const second = await make("TransE");
    await saveModel(second, directory, names);
    expectSame((await loadModel(directory)).model, second);
    // The last file cannot be written: config.json's temporary name is taken by a directory.
    await mkdir(join(directory, `config.json.${process.pid}.tmp`));
    await expect(saveModel(first, directory, names)).rejects.toMatchObject({ code: "EISDIR" });
    await rm(join(directory, `config.json.${process.pid}.tmp`), { recursive: true, force: true });
    expectSame((await loadModel(directory)).model, second);
    expect((await readdir(directory)).sort()).toEqual(files);
  });

  it("that is killed at any moment leaves the old model, the new one or none, never a mixture", async () => {
    // Two models of one shape, saved in turn until the process is killed; each is recognised by all of its files.
    const program = `
      import { createModel, saveModel } from ${JSON.stringify(fileURLToPath(new URL("../dist/index.js", import.meta.url)))};
      const model = await createModel({ model: "TransE", dim: 64, entities: 2000, relations: 1 });
      for (let i = 0; ; i++) {
        if (i === 1) process.stdout.write("go");
        for (const { data } of model.tables.values()) data.fill(i);
        const named = (n) => Array.from({ length: n }, () => String(i));
        await saveModel(model, ${JSON.stringify(directory)}, { entities: named(2000), relations: named(1), training: { i } });
      }`;
    let models = 0;
    for (const delay of [15, 40, 75, 130]) {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      const left = await readdir(directory);
      if (!left.includes("config.json")) {
        await expect(loadModel(directory)).rejects.toMatchObject({ code: "MODELS_NOT_FOUND" });
        continue;
      }
      models++;
      const { model, entities, relations, training } = await loadModel(directory);
      const { i } = training as { i: number };
      expect(new Set([...entities, ...relations])).toEqual(new Set([String(i)]));
      for (const { data } of model.tables.values()) expect(data.every((x) => x === i)).toBe(true);
    }
    expect(models).toBeGreaterThan(0);
  });
});

describe("a malformed model directory is one error that names the file:", () => {
  const at = (file: string): string => join(directory, file);
  const refused = async (code: string, start: string, message: RegExp): Promise<void> => {
    const error: unknown = await loadModel(directory).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "MuldeError", code });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message.startsWith(start)).toBe(true);
    expect((error as Error).message).not.toContain("\n");
  };
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const text = await readFile(at(file), "utf8");
    const changed = change(text);
    expect(changed).not.toBe(text);
    await writeFile(at(file), changed);
  };
  beforeEach(async () => {
    await saveModel(await make(), directory, names);
  });

  it.each(files)("no %s", async (file) => {
    await rm(at(file));
    await refused("MODELS_NOT_FOUND", at(file), /cannot be read/);
  });

  it("parameters cut off, or no safetensors at all", async () => {
    const bytes = await readFile(at("model.safetensors"));
    for (const length of [0, 5, 60, bytes.length - 1]) {
      await writeFile(at("model.safetensors"), bytes.subarray(0, length));
      await refused(length < 100 ? "SAFETENSORS_HEADER" : "SAFETENSORS_OFFSETS", at("model.safetensors"), /damaged/);
    }
  });

  it.each([NaN, Infinity])("a parameter that is %d", async (bad) => {
    const { tensors } = decodeSafetensors(await readFile(at("model.safetensors")), "x");
    const data = Float32Array.from(tensors.rotation!.data);
    data[6] = bad;
    await writeFile(at("model.safetensors"), encodeSafetensors({ ...tensors, rotation: { shape: [4, 4], data } }));
    await refused("MODELS_FILE", at("model.safetensors"), new RegExp(`"rotation" holds ${bad} at position 6`));
  });

  it("a tensor of another shape, or none", async () => {
    const { tensors } = decodeSafetensors(await readFile(at("model.safetensors")), "x");
    const { entity, ...rest } = tensors;
    for (const [shape, data] of [
      [[4, 5], entity!.data],
      [[5, 3], entity!.data.subarray(0, 15)],
    ] as const) {
      await writeFile(at("model.safetensors"), encodeSafetensors({ ...rest, entity: { shape, data } }));
      await refused(
        "MODELS_FILE",
        at("model.safetensors"),
        /"entity" has the shape \[\d, \d\], but config\.json makes it \[5, 4\]/,
      );
    }
    await writeFile(at("model.safetensors"), encodeSafetensors(rest));
    await refused("MODELS_FILE", at("model.safetensors"), /There is no tensor "entity", which RotH needs/);
  });

  it("a vocabulary without a line, with one twice, or of other names", async () => {
    await edit("entities.tsv", (text) => text.replace("1\tKöln\n", ""));
    await refused("MODELS_FILE", `${at("entities.tsv")}:2: `, /Expected "1", a tab and a name/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2\tc\n3\td\n");
    await refused("MODELS_FILE", at("entities.tsv"), /holds 4 names, but config\.json says 5/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2 c\n3\td\n4\te\n");
    await refused("MODELS_FILE", `${at("entities.tsv")}:3: `, /Expected "2"/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2\tc\n3\td\n4\te\n");
    await edit("relations.tsv", (text) => text + "2\tmore\n");
    await refused("MODELS_FILE", at("relations.tsv"), /holds 3 names, but config\.json says 2/);
  });

  it("a configuration that is no JSON, or has a wrong field", async () => {
    const text = await readFile(at("config.json"), "utf8");
    const changes: [(config: Record<string, unknown>) => void, string, RegExp][] = [
      [
        (config) => (config.format = 2),
        "MODELS_FILE",
        /, format: A newer version .*format 2, .*reads up to 1\. Update/,
      ],
      [(config) => delete config.format, "MODELS_FILE", /, format: /],
      [(config) => delete config.model, "MODELS_FILE", /, model: /],
      [(config) => (config.dim = "4"), "MODELS_FILE", /, dim: /],
      [(config) => (config.dim = 3), "MODELS_CONFIG", /, dim: must be even, but is 3: RotH/],
      [(config) => (config.dim = 4096), "MODELS_CONFIG", /, dim: must be .* 1024/],
      [(config) => (config.entities = -5), "MODELS_FILE", /, entities: /],
      [(config) => (config.entities = 2e9), "MODELS_FILE", /holds 5 names, but config\.json says 2000000000/],
      [(config) => (config.relations = 1.5), "MODELS_FILE", /, relations: /],
      [(config) => (config.curvature = "none"), "MODELS_FILE", /, curvature: /],
      [(config) => (config.dataset = { name: "x" }), "MODELS_FILE", /, dataset.fingerprint: /],
      [(config) => (config.model = "Unheard"), "MODELS_UNKNOWN_MODEL", /"Unheard"; known are .*defineModel/],
      [(config) => (config.model = "TransE"), "", /./],
    ];
    for (const [change, code, message] of changes) {
      const config = JSON.parse(text) as Record<string, unknown>;
      change(config);
      await writeFile(at("config.json"), JSON.stringify(config));
      // RotH's tensors hold all that TransE needs.
      if (code === "") expect((await loadModel(directory)).model.config.model).toBe("TransE");
      else await refused(code, join(directory, config.entities === 2e9 ? "entities.tsv" : "config.json"), message);
    }
    await writeFile(at("config.json"), text.slice(0, -3));
    await refused("MODELS_FILE", at("config.json"), /config\.json: The file is not JSON: /);
    await writeFile(at("config.json"), "[]");
    await refused("MODELS_FILE", at("config.json"), /config\.json: Invalid input/);
  });

  it("is not taken for a model that was never there", async () => {
    await expect(loadModel(join(directory, "nowhere"))).rejects.toMatchObject({
      code: "MODELS_NOT_FOUND",
      message: `${join(directory, "nowhere", "config.json")}: This file cannot be read; give the directory of a saved model.`,
    });
    await expect(createModel({ model: "RotH", dim: 4, entities: 0, relations: 1 })).rejects.toThrow();
  });
});
