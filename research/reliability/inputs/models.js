// Model directories damaged in every way, as `mulde predict` meets them.
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  changed,
  changedJson,
  copy,
  directory,
  fifo,
  flipped,
  graph,
  link,
  opened,
  safetensors,
  sparse,
} from "./_files.js";

const ask = ["predict", "model", "--head", "Alba", "--relation", "knows", "--json"];

export const cases = ({ model, transe, other, checkpoint }) => {
  const damaged = (name, file, content, code, names = file, run = ask) => ({
    name: `${file}: ${name}`,
    files: { model: copy(model), [`model/${file}`]: content ?? ((path) => rmSync(path)) },
    run,
    code,
    names: [].concat(names),
  });
  const config = (name, change, code = "MODELS_FILE", names = []) =>
    damaged(name, "config.json", changedJson(`${model}/config.json`, change), code, [
      "config.json",
      ...[].concat(names),
    ]);
  const source = `${model}/model.safetensors`;
  const bytes = (name, change, code, names = "model.safetensors", files = {}) => {
    const one = damaged(name, "model.safetensors", changed(source, change), code, names);
    return { ...one, files: { ...one.files, ...files } };
  };
  // Without the hashes of the files, as a directory from Python has none, the form of the tensors alone is checked.
  const unsigned = { "model/config.json": changedJson(`${model}/config.json`, { files: undefined }) };
  const tensors = (name, change, code = "MODELS_FILE", names = []) =>
    bytes(
      name,
      (content) => {
        const { header, data } = opened(content);
        const wanted = change(header, data);
        return safetensors(wanted.header ?? header, wanted.data ?? data);
      },
      code,
      ["model.safetensors", ...[].concat(names)],
      unsigned,
    );
  const value = (number) => (header, data) => {
    const copied = Buffer.from(data);
    copied.writeFloatLE(number, header.entity.data_offsets[0] + 4);
    return { data: copied };
  };
  const text = (name, file, content, code = "MODELS_FILE", names = file) => damaged(name, file, content, code, names);
  return [
    damaged("missing", "config.json", undefined, "MODELS_NOT_FOUND"),
    damaged("missing", "model.safetensors", undefined, "MODELS_NOT_FOUND"),
    damaged("missing", "entities.tsv", undefined, "MODELS_NOT_FOUND"),
    damaged("missing", "relations.tsv", undefined, "MODELS_NOT_FOUND"),
    text("empty", "config.json", ""),
    text("no JSON", "config.json", "{model: RotH}"),
    text("a list", "config.json", "[]"),
    text("null", "config.json", "null"),
    text("a string", "config.json", '"RotH"'),
    text("binary", "config.json", Buffer.alloc(2000, 255)),
    text("100,000 levels deep", "config.json", "[".repeat(100_000)),
    text("1 GB", "config.json", sparse(1e9, "{"), "MODELS_FILE"),
    text("UTF-16", "config.json", Buffer.from('{"format": 1}', "utf16le")),
    config("another scoring function", { model: "ComplEx" }, "MODELS_FILE", "ComplEx"),
    config("one of other tables", { model: "RefH" }, "MODELS_FILE", "RefH"),
    config("an unknown scoring function", { model: "RotX" }, "MODELS_UNKNOWN_MODEL", "RotX"),
    config("a scoring function with an escape", { model: "\u001b[2J" }, "MODELS_UNKNOWN_MODEL"),
    config("a scoring function called __proto__", { model: "__proto__" }, "MODELS_UNKNOWN_MODEL", "__proto__"),
    config("a scoring function that is a number", { model: 7 }, "MODELS_FILE", "model"),
    damaged("another dimension", "config.json", changedJson(`${model}/config.json`, { dim: 8 }), "MODELS_FILE", [
      "model.safetensors",
      "config.json",
    ]),
    config("an odd dimension", { dim: 3 }, "MODELS_CONFIG", "dim"),
    config("a dimension of 0", { dim: 0 }, "MODELS_FILE", "dim"),
    config("a dimension of a billion", { dim: 1e9 }, "MODELS_CONFIG", "dim"),
    config("a dimension that is text", { dim: "4" }, "MODELS_FILE", "dim"),
    config("a billion entities", { entities: 1e9 }, "MODELS_FILE", "entities"),
    config("one entity less", { entities: 3 }, "MODELS_FILE", "entities"),
    config("2^40 relations", { relations: 2 ** 40 }, "MODELS_CONFIG", "relations"),
    config("a negative number of relations", { relations: -2 }, "MODELS_FILE", "relations"),
    config("another curvature", { curvature: "shared" }, "MODELS_FILE", "curvature"),
    config("no curvature", { curvature: undefined }, "MODELS_FILE", "curvature"),
    config("an unknown curvature", { curvature: "none" }, "MODELS_FILE", "curvature"),
    config("a newer format", { format: 99 }, "MODELS_FILE", "format"),
    config("a format of 0", { format: 0 }, "MODELS_FILE", "format"),
    config("no format", { format: undefined }, "MODELS_FILE", "format"),
    config("a format that is text", { format: "1" }, "MODELS_FILE", "format"),
    config("a data set that is text", { dataset: "graph" }, "MODELS_FILE", "dataset"),

    text("empty", "entities.tsv", ""),
    text("one name too few", "entities.tsv", "0\tAlba\n1\tBero\n2\tCira\n"),
    text("one name too many", "entities.tsv", "0\tAlba\n1\tBero\n2\tCira\n3\tDano\n4\tEgon\n"),
    text("a name twice", "entities.tsv", "0\tAlba\n1\tAlba\n2\tCira\n3\tDano\n"),
    text("ids in another order", "entities.tsv", "1\tAlba\n0\tBero\n2\tCira\n3\tDano\n"),
    text("names without ids", "entities.tsv", "Alba\nBero\nCira\nDano\n"),
    text("an empty name", "entities.tsv", "0\tAlba\n1\t\n2\tCira\n3\tDano\n", "MODELS_CHECKSUM"),
    text(
      "not UTF-8",
      "entities.tsv",
      Buffer.concat([Buffer.from("0\tAlba\n1\tBero\n2\tCira\n3\tZo"), Buffer.of(0xeb, 10)]),
    ),
    text("binary", "relations.tsv", Buffer.alloc(500, 200)),
    text("relations of another data set", "relations.tsv", "0\tsees\n"),
    text("the entities", "relations.tsv", "0\tAlba\n1\tBero\n2\tCira\n3\tDano\n"),

    text("empty", "model.safetensors", "", "SAFETENSORS_TRUNCATED"),
    text("seven bytes", "model.safetensors", Buffer.alloc(7), "SAFETENSORS_TRUNCATED"),
    text("zeros", "model.safetensors", Buffer.alloc(4096), "SAFETENSORS_HEADER"),
    text("HTML", "model.safetensors", "<!doctype html><title>Not found</title>", "SAFETENSORS_HEADER"),
    text(
      "a pickle of PyTorch",
      "model.safetensors",
      Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.alloc(300, 1)]),
      "SAFETENSORS_HEADER",
    ),
    text(
      "a pointer of Git LFS",
      "model.safetensors",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
      "SAFETENSORS_HEADER",
    ),
    text("a sparse file of 2.3 GB", "model.safetensors", sparse(2.3e9), "SAFETENSORS_HEADER"),
    text(
      "a sound header, then 2.3 GB",
      "model.safetensors",
      (path) => sparse(2.3e9, safetensors({}))(path),
      "SAFETENSORS_OFFSETS",
    ),
    bytes(
      "2.3 GB longer than its header says",
      (content) => Buffer.concat([content, Buffer.alloc(64)]),
      "SAFETENSORS_OFFSETS",
    ),
    bytes("cut in the header", (content) => content.subarray(0, 40), "SAFETENSORS_TRUNCATED"),
    bytes("cut in the data", (content) => content.subarray(0, content.length - 4), "SAFETENSORS_TRUNCATED"),
    bytes(
      "cut before the data",
      (content) => content.subarray(0, 8 + Number(content.readBigUInt64LE(0))),
      "SAFETENSORS_TRUNCATED",
    ),
    bytes("a flipped bit in the header's length", (content) => flipped(content, 1, 3), "SAFETENSORS_TRUNCATED"),
    bytes("a flipped bit in the top of the header's length", (content) => flipped(content, 7, 7), "SAFETENSORS_HEADER"),
    bytes("a flipped bit in the header's first brace", (content) => flipped(content, 8, 0), "SAFETENSORS_HEADER"),
    bytes("a flipped bit in the data", (content) => flipped(content, -3, 2), "MODELS_CHECKSUM"),
    bytes(
      "a flipped bit in the first value",
      (content) => flipped(content, 8 + Number(content.readBigUInt64LE(0)), 6),
      "MODELS_CHECKSUM",
    ),
    config(
      "another hash",
      { files: { "model.safetensors": { bytes: 1, sha256: "0".repeat(64) } } },
      "MODELS_FILE",
      "files",
    ),
    config("hashes that are text", { files: "none" }, "MODELS_FILE", "files"),
    text("a header that is a list", "model.safetensors", safetensors("[]      "), "SAFETENSORS_HEADER"),
    text("a header that is null", "model.safetensors", safetensors("null    "), "SAFETENSORS_HEADER"),
    text("no tensors", "model.safetensors", safetensors({}), "MODELS_FILE"),
    tensors(
      "a tensor missing",
      (header) => {
        const { entity, ...rest } = header;
        return { header: { ...rest, entities: entity } };
      },
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "a tensor that is null",
      (header) => ({ header: { ...header, entity: null } }),
      "SAFETENSORS_HEADER",
      "entity",
    ),
    tensors(
      "a shape of other sizes",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [2, 8] } } }),
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "a shape that holds fewer values",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [4, 3] } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a shape of no values",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [0, 4] } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a negative size",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [-4, -4] } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a fraction for a size",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [2.5, 8] } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a size beyond all numbers",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: [1e300, 1e300] } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a shape that is text",
      (header) => ({ header: { ...header, entity: { ...header.entity, shape: "4x4" } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "a shape of 100,000 ones",
      (header) => ({
        header: { ...header, entity: { ...header.entity, shape: [4, ...new Array(100_000).fill(1), 4] } },
      }),
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "offsets that overlap",
      (header) => ({
        header: {
          ...header,
          entity: { ...header.entity, data_offsets: [0, 64] },
          headBias: { ...header.headBias, data_offsets: [0, 16] },
        },
      }),
      "SAFETENSORS_OFFSETS",
    ),
    tensors(
      "offsets backwards",
      (header) => ({
        header: { ...header, entity: { ...header.entity, data_offsets: [...header.entity.data_offsets].reverse() } },
      }),
      "SAFETENSORS_OFFSETS",
      "entity",
    ),
    tensors(
      "offsets beyond the end",
      (header) => ({ header: { ...header, entity: { ...header.entity, data_offsets: [1e12, 1e12 + 64] } } }),
      "SAFETENSORS_OFFSETS",
    ),
    tensors(
      "offsets that are text",
      (header) => ({ header: { ...header, entity: { ...header.entity, data_offsets: "all" } } }),
      "SAFETENSORS_OFFSETS",
      "entity",
    ),
    tensors(
      "F16 of half the bytes",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: "F16" } } }),
      "SAFETENSORS_SHAPE",
      "entity",
    ),
    tensors(
      "F16 with twice the columns",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: "F16", shape: [4, 8] } } }),
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "I64",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: "I64", shape: [4, 2] } } }),
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "BOOL",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: "BOOL", shape: [4, 16] } } }),
      "MODELS_FILE",
      "entity",
    ),
    tensors(
      "an unknown type",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: "F128" } } }),
      "SAFETENSORS_DTYPE",
      "entity",
    ),
    tensors(
      "a type that is a number",
      (header) => ({ header: { ...header, entity: { ...header.entity, dtype: 32 } } }),
      "SAFETENSORS_DTYPE",
      "entity",
    ),
    tensors("NaN inside", value(NaN), "MODELS_FILE", ["entity", "NaN"]),
    tensors("infinity inside", value(Infinity), "MODELS_FILE", ["entity", "Infinity"]),
    tensors(
      "metadata that is a list",
      (header) => ({ header: { ...header, __metadata__: [1] } }),
      "SAFETENSORS_HEADER",
    ),
    tensors(
      "metadata of numbers",
      (header) => ({ header: { ...header, __metadata__: { format: 1 } } }),
      "SAFETENSORS_HEADER",
    ),
    tensors(
      "a tensor with an escape in its name",
      (header, data) => ({
        header: { ...header, "\u001b[2J": { dtype: "F32", shape: [9], data_offsets: [data.length, data.length + 4] } },
        data: Buffer.concat([data, Buffer.alloc(4)]),
      }),
      "SAFETENSORS_SHAPE",
      "\\u001b",
    ),
    {
      name: "a foreign tensor of type I64 that nothing needs",
      files: {
        model: copy(model),
        ...unsigned,
        "model/model.safetensors": changed(source, (content) => {
          const { header, data } = opened(content);
          return safetensors(
            { ...header, steps: { dtype: "I64", shape: [1], data_offsets: [data.length, data.length + 8] } },
            Buffer.concat([data, Buffer.alloc(8)]),
          );
        }),
      },
      run: ask,
      names: "predictions",
    },
    {
      name: "parameters of another model",
      files: { model: copy(model), "model/model.safetensors": copy(`${transe}/model.safetensors`) },
      run: ask,
      code: "MODELS_FILE",
      names: "model.safetensors",
    },
    {
      name: "parameters of another graph",
      files: { model: copy(model), "model/model.safetensors": copy(`${other}/model.safetensors`) },
      run: ask,
      code: "MODELS_FILE",
      names: "model.safetensors",
    },
    {
      name: "a checkpoint in place of the parameters",
      files: { model: copy(model), "model/model.safetensors": copy(checkpoint) },
      run: ask,
      code: "MODELS_FILE",
      names: "model.safetensors",
    },
    {
      name: "a directory in place of the parameters",
      files: {
        model: copy(model),
        "model/config.json": copy(`${model}/config.json`),
        "model/model.safetensors": (path) => {
          rmSync(path);
          directory(path);
        },
      },
      run: ask,
      code: "MODELS_READ",
      names: "model.safetensors",
    },
    {
      name: "a FIFO in place of the parameters",
      files: {
        model: copy(model),
        "model/model.safetensors": (path) => {
          rmSync(path);
          fifo(path);
        },
      },
      run: ask,
      code: "MODELS_READ",
      names: "model.safetensors",
    },
    {
      name: "a FIFO in place of config.json",
      files: { "model/config.json": fifo },
      run: ask,
      code: "MODELS_READ",
      names: "config.json",
    },
    {
      name: "a device in place of config.json",
      files: { "model/config.json": link("/dev/zero") },
      run: ask,
      code: "MODELS_READ",
      names: "config.json",
    },
    {
      name: "a link to itself in place of config.json",
      files: { "model/config.json": link("config.json") },
      run: ask,
      code: "MODELS_READ",
      names: "config.json",
    },
    {
      name: "an empty directory",
      files: { model: directory },
      run: ask,
      code: "MODELS_NOT_FOUND",
      names: "config.json",
    },
    {
      name: "a data set's directory",
      files: graph(),
      run: ["predict", "graph", ...ask.slice(2)],
      code: "MODELS_NOT_FOUND",
      names: "config.json",
    },
    { name: "a file", files: { model: "x" }, run: ask, code: "MODELS_NOT_FOUND", names: "config.json" },
    { name: "nothing", run: ask, code: "MODELS_NOT_FOUND", names: "config.json" },
    { name: "an empty name", run: ["predict", "", ...ask.slice(2)], code: "MODELS_NOT_FOUND", names: "config.json" },
    ...["evaluate model --data graph", "score model --triples graph/test.txt"].map((run) => ({
      name: `a truncated model for ${run}`,
      files: {
        ...graph(),
        model: copy(model),
        "model/model.safetensors": changed(source, (content) => content.subarray(0, 100)),
      },
      run,
      code: "SAFETENSORS_TRUNCATED",
      names: join("model", "model.safetensors"),
    })),
  ];
};
