// The parameters of a model directory, damaged in every way.
import { rmSync } from "node:fs";
import { ask, damages } from "./_damage.js";
import { changed, copy, directory, fifo, flipped, opened, safetensors, sparse } from "./_files.js";

export const cases = ({ model, transe, other, checkpoint }) => {
  const { config, source, bytes, unsigned, tensors, value, text } = damages(model);
  return [
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
      "MODELS_CHECKSUM",
      "model.safetensors",
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
  ];
};
