import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "@mulde/errors";
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

/** Makes a directory one that others wrote: its `config.json` does not say what the other files are. */
async function withoutDigests(folder: string): Promise<void> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as object;
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, files: undefined }));
}

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
    const { __metadata__: metadata, ...header } = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<
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
    expect(metadata).toEqual({ model: "RotH" });
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
      files: Object.fromEntries(
        await Promise.all(
          ["model.safetensors", "entities.tsv", "relations.tsv"].map(async (file) => {
            const content = await readFile(join(directory, file));
            const sha256 = createHash("sha256").update(content).digest("hex");
            return [file, { bytes: content.length, sha256 }] as const;
          }),
        ),
      ),
    });
  });

  it("is read from what others wrote: biases as vectors, doubles, CRLF", async () => {
    const model = await make();
    await saveModel(model, directory, names);
    const { tensors } = decodeSafetensors(await readFile(join(directory, "model.safetensors")), "model");
    const foreign = encodeSafetensors({
      ...tensors,
      headBias: { shape: [5], data: tensors.headBias!.data },
      entity: { shape: [5, 4], data: Float64Array.from(tensors.entity!.data) },
    });
    await writeFile(join(directory, "model.safetensors"), foreign);
    const text = await readFile(join(directory, "entities.tsv"), "utf8");
    await writeFile(join(directory, "entities.tsv"), text.replaceAll("\n", "\r\n"));
    await expect(loadModel(directory)).rejects.toMatchObject({ code: "MODELS_CHECKSUM" });
    await withoutDigests(directory);
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

  it("refuses what could not be read back", async () => {
    const model = await make();
    const own: Record<string, unknown> = {};
    own.self = own;
    const cases: [object, string][] = [
      [{ entities: ["a", "b", "c", "d", "a"] }, "MODELS_NAMES"],
      [{ entities: ["a", "b", "c", "d", "e\0"] }, "MODELS_NAMES"],
      [{ entities: ["a", "b", "c", "d", "\ud83d"] }, "MODELS_NAMES"],
      [{ training: own }, "MODELS_TRAINING"],
      [{ training: { n: 1n } }, "MODELS_TRAINING"],
      [{ training: { long: "x".repeat(32 << 20) } }, "MODELS_TRAINING"],
      [{ dataset: { name: "x" } }, "MODELS_FILE"],
    ];
    for (const [info, code] of cases) {
      await expect(saveModel(model, join(directory, "new"), { ...names, ...info })).rejects.toMatchObject({ code });
    }
    expect(await readdir(directory)).toEqual([]);
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
    await refused("MODELS_NOT_FOUND", at(file), /there is no such file; .*directory of a saved model\.$/);
  });

  it.each(files)("a directory in place of %s", async (file) => {
    await rm(at(file));
    await mkdir(at(file));
    await refused("MODELS_READ", at(file), /this is a directory, not a file/);
  });

  // Windows has no pipes among its files.
  it.skipIf(process.platform === "win32").each(files)("a pipe in place of %s", async (file) => {
    await rm(at(file));
    execFileSync("mkfifo", [at(file)]);
    await refused("MODELS_READ", at(file), /a device or a pipe/);
  });

  it.each(["model.safetensors", "entities.tsv", "relations.tsv"])("a bit of %s that changed", async (file) => {
    const bytes = await readFile(at(file));
    let noticed = 0;
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i]! ^= 1 << (i % 8);
      await writeFile(at(file), flipped);
      const error: unknown = await loadModel(directory).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        name: "MuldeError",
        file: at(file),
        code: expect.stringMatching(/^(MODELS|SAFE)/) as string,
      });
      if (hasCode(error, "MODELS_CHECKSUM")) noticed++;
    }
    // What has a wrong form is told as that.
    expect(noticed).toBeGreaterThan(bytes.length / 4);
    expect(noticed).toBeLessThan(bytes.length);
  });

  it("files of another model of the same shape", async () => {
    const other = join(directory, "other");
    await saveModel(await make(), other, { ...names, entities: ["v", "w", "x", "y", "z"] });
    for (const file of ["model.safetensors", "entities.tsv"]) {
      const own = await readFile(at(file));
      await cp(join(other, file), at(file));
      // Models of one seed have the same parameters.
      if (!own.equals(await readFile(at(file)))) await refused("MODELS_CHECKSUM", at(file), /of another model/);
      await writeFile(at(file), own);
    }
    await cp(join(other, "config.json"), at("config.json"));
    await refused("MODELS_CHECKSUM", at("entities.tsv"), /its SHA-256 differs|bytes instead of/);
  });

  it("parameters cut off, or no safetensors at all", async () => {
    const bytes = await readFile(at("model.safetensors"));
    for (const length of [0, 5, 60, bytes.length - 1]) {
      await writeFile(at("model.safetensors"), bytes.subarray(0, length));
      await refused("SAFETENSORS_TRUNCATED", at("model.safetensors"), /cut off/);
    }
    await writeFile(at("model.safetensors"), "text, not tensors");
    await refused("SAFETENSORS_HEADER", at("model.safetensors"), /not a safetensors file/);
  });

  it("a sparse file of 2,300 MB in place of the parameters", async () => {
    await truncate(at("model.safetensors"), 0);
    await truncate(at("model.safetensors"), 2300e6);
    await refused("SAFETENSORS_HEADER", at("model.safetensors"), /not a safetensors file.*header is not JSON/);
  });

  it("parameters that hold no values", async () => {
    const { tensors } = decodeSafetensors(await readFile(at("model.safetensors")), "x");
    const empty = { ...tensors, entity: { shape: [0, 8], data: new Float32Array() } };
    await writeFile(at("model.safetensors"), encodeSafetensors(empty));
    await refused(
      "MODELS_FILE",
      at("model.safetensors"),
      /"entity" has the shape \[0, 8\], but config\.json makes it \[5, 4\]/,
    );
  });

  it("tables that belong to another scoring function", async () => {
    const text = await readFile(at("config.json"), "utf8");
    const refuse = async (model: string, message: RegExp): Promise<void> => {
      await writeFile(at("config.json"), text.replace('"RotH"', JSON.stringify(model)));
      await refused("MODELS_FILE", at("model.safetensors"), message);
    };
    const odd =
      /holds "curvature", "innerTranslation", "rotation", which do not belong to it\. It was saved as "RotH"\./;
    await refuse("ComplEx", odd);
    await refuse("TransE", odd);
    await refuse("AttH", /lacks "reflection", "context", and holds "innerTranslation", which does not belong/);
    // Of the same tables.
    await saveModel(await make("TransE"), directory, names);
    await writeFile(at("config.json"), (await readFile(at("config.json"), "utf8")).replace("TransE", "DistMult"));
    await refused("MODELS_FILE", at("model.safetensors"), /This is a "TransE", but config\.json says DistMult\./);
  });

  it("parameters of a dtype that cannot be converted", async () => {
    await withoutDigests(directory);
    const bytes = await readFile(at("model.safetensors"));
    const length = Number(bytes.readBigUInt64LE(0));
    const json = bytes
      .subarray(8, 8 + length)
      .toString("utf8")
      .replace("F32", "U32");
    bytes.write(json, 8);
    await writeFile(at("model.safetensors"), bytes);
    await refused("SAFETENSORS_DTYPE", at("model.safetensors"), /"curvature" has the dtype "U32".*convert it/);
  });

  it.each<[string, string | Uint8Array, string, RegExp]>([
    ["a byte order mark", "\ufeff0\ta\n1\tb\n2\tc\n3\td\n4\te\n", "1", /starts with a byte order mark/],
    ["a NUL", "0\ta\n1\tb\0\n2\tc\n3\td\n4\te\n", "2", /The name holds a NUL/],
    ["a tab too many", "0\ta\n1\tb\n2\tc\td\n3\td\n4\te\n", "3", /The name holds a tab/],
    ["an id twice", "0\ta\n1\tb\n1\tc\n3\td\n4\te\n", "3", /Expected "2", a tab and a name/],
    ["a name twice", "0\ta\n1\tb\n2\tc\n3\tb\n4\te\n", "4", /The name "b" is also in line 2; rename one/],
    ["a name too many", "0\ta\n1\tb\n2\tc\n3\td\n4\te\n5\tf\n", "6", /This is name 6, but config\.json says 5/],
    ["bytes that are not UTF-8", Buffer.from("0\ta\n1\tb\n2\t\xff\n3\td\n4\te\n", "latin1"), "3", /not UTF-8/],
    ["a line without an end", `0\t${"x".repeat(3 << 20)}`, "1", /longer than 1048576 bytes/],
  ])("a vocabulary with %s", async (_, content, line, message) => {
    await writeFile(at("entities.tsv"), content);
    for (const digests of [true, false]) {
      if (!digests) await withoutDigests(directory);
      await refused("MODELS_FILE", `${at("entities.tsv")}:${line}: `, message);
    }
  });

  it("whose configuration claims more than there is, without taking memory for it", async () => {
    await withoutDigests(directory);
    const text = await readFile(at("config.json"), "utf8");
    const before = process.memoryUsage.rss();
    for (const [field, value, code] of [
      ["entities", 1e15, "MODELS_CONFIG"],
      ["entities", 2e9, "MODELS_FILE"],
      ["dim", 1e9, "MODELS_CONFIG"],
      ["relations", 1e9, "MODELS_FILE"],
    ] as const) {
      const config = JSON.parse(text) as Record<string, unknown>;
      await writeFile(at("config.json"), JSON.stringify({ ...config, [field]: value }));
      await refused(code, directory, /./);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });

  it("is not confused by keys of the prototype", async () => {
    const text = await readFile(at("config.json"), "utf8");
    await writeFile(at("config.json"), text.replace("{", '{"__proto__":{"dim":8,"files":null},"constructor":1,'));
    const { model, training } = await loadModel(directory);
    expect(model.dim).toBe(4);
    expect(training).toBeUndefined();
    await writeFile(at("config.json"), text.replace('"dim": 4,', '"__proto__": {"dim": 4},'));
    await refused("MODELS_FILE", at("config.json"), /, dim: /);
  });

  it.each([NaN, Infinity])("a parameter that is %d", async (bad) => {
    const { tensors } = decodeSafetensors(await readFile(at("model.safetensors")), "x");
    const data = Float32Array.from(tensors.rotation!.data);
    data[6] = bad;
    await withoutDigests(directory);
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
    await refused("MODELS_FILE", at("model.safetensors"), /config\.json says RotH, but this file lacks "entity"\./);
  });

  it("a vocabulary without a line, with one twice, or of other names", async () => {
    await withoutDigests(directory);
    await edit("entities.tsv", (text) => text.replace("1\tKöln\n", ""));
    await refused("MODELS_FILE", `${at("entities.tsv")}:2: `, /Expected "1", a tab and a name/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2\tc\n3\td\n");
    await refused("MODELS_FILE", at("entities.tsv"), /holds 4 names, but config\.json says 5/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2 c\n3\td\n4\te\n");
    await refused("MODELS_FILE", `${at("entities.tsv")}:3: `, /Expected "2"/);
    await edit("entities.tsv", () => "0\ta\n1\tb\n2\tc\n3\td\n4\te\n");
    await edit("relations.tsv", (text) => text + "2\tmore\n");
    await refused("MODELS_FILE", at("relations.tsv"), /This is name 3, but config\.json says 2/);
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
      [
        (config) => (config.files = { "entities.tsv": { bytes: 1 } }),
        "MODELS_FILE",
        /, files\.entities\.tsv\.sha256: /,
      ],
      [(config) => (config.model = "x".repeat(1e6)), "MODELS_FILE", /, model: .{1,140}$/],
    ];
    for (const [change, code, message] of changes) {
      const config = JSON.parse(text) as Record<string, unknown>;
      change(config);
      await writeFile(at("config.json"), JSON.stringify(config));
      await refused(code, join(directory, config.entities === 2e9 ? "entities.tsv" : "config.json"), message);
    }
    await writeFile(at("config.json"), text.slice(0, -3));
    await refused("MODELS_FILE", at("config.json"), /config\.json: The file is not JSON; restore it/);
    await writeFile(at("config.json"), text.replace('"dim"', '"dim": 4, "dim"'));
    await refused("MODELS_FILE", at("config.json"), /The file has the key "dim" twice; restore it\./);
    await writeFile(at("config.json"), `${text.slice(0, -2)}, "x": ${"[".repeat(30 << 20)}`);
    await refused("MODELS_FILE", at("config.json"), /The file nests deeper than 64 levels; restore it\./);
    await writeFile(at("config.json"), "[]");
    await refused("MODELS_FILE", at("config.json"), /config\.json: The file must be a JSON object, but is an array\./);
    await writeFile(at("config.json"), Buffer.concat([Buffer.from(text), Buffer.of(0xff)]));
    await refused("MODELS_FILE", at("config.json"), /not UTF-8/);
    await truncate(at("config.json"), 3e9);
    await refused("MODELS_FILE", at("config.json"), /has 3000000000 bytes, too many/);
  });

  it("is not taken for a model that was never there", async () => {
    await expect(loadModel(join(directory, "nowhere"))).rejects.toMatchObject({
      code: "MODELS_NOT_FOUND",
      message: `${join(directory, "nowhere", "config.json")}: there is no such file; check the path. Give the directory of a saved model.`,
    });
    await expect(createModel({ model: "RotH", dim: 4, entities: 0, relations: 1 })).rejects.toThrow();
  });
});
