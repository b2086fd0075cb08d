// Models of other libraries: `mulde import`.
import { copy, directory, fifo, graph, gz, gzipOf, safetensors, sparse } from "./_files.js";

const names = "Alba\nBero\nCira\nDano\n";
/** A safetensors file of tensors of zeros, by their shapes. */
function tensors(shapes, dtype = "F32") {
  let end = 0;
  const header = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  return safetensors(Object.fromEntries(header), Buffer.alloc(end));
}

export const cases = ({ model }) => {
  const refused = (name, content, code, wanted, { files = {}, from = "kgemb", as = "TransE", more = [] } = {}) => ({
    name,
    files: {
      ...graph(),
      "foreign.safetensors": content,
      "entities.txt": names,
      "relations.txt": "knows\nlikes\n",
      ...files,
    },
    run: [
      ...["import", "foreign.safetensors", "--from", from, "--model", as, "--data", "graph"],
      ...["--entities", "entities.txt", "--relations", "relations.txt", "--out", "out", ...more],
    ],
    code,
    names: wanted,
  });
  const kgemb = tensors({ "entity.weight": [4, 4], "rel.weight": [4, 4], "bh.weight": [4, 1], "bt.weight": [4, 1] });
  const file = (name, content, code = "SAFETENSORS_HEADER") => refused(name, content, code, "foreign.safetensors");
  const order = (name, content, which = "entities.txt", wanted = []) =>
    refused(`${which}: ${name}`, kgemb, "MODELS_IMPORT", [which, ...[].concat(wanted)], {
      files: { [which]: content },
    });
  return [
    file("empty", "", "SAFETENSORS_TRUNCATED"),
    file("a pickle", Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.alloc(300, 1)])),
    file("a sparse file of 2.3 GB", sparse(2.3e9)),
    file("a directory", directory, "MODELS_READ"),
    file("a FIFO", fifo, "MODELS_READ"),
    file("not there", () => undefined, "MODELS_NOT_FOUND"),
    file("no tensors", safetensors({}), "MODELS_IMPORT"),
    file("another model's tensors", tensors({ "a.weight": [4, 4] }), "MODELS_IMPORT"),
    file("a Mulde model's parameters", copy(`${model}/model.safetensors`), "MODELS_IMPORT"),
    file("I64 tensors", tensors({ "entity.weight": [4, 4], "rel.weight": [4, 4] }, "I64"), "SAFETENSORS_SHAPE"),
    file(
      "no rows",
      tensors({ "entity.weight": [0, 8], "rel.weight": [4, 4], "bh.weight": [4, 1], "bt.weight": [4, 1] }),
      "MODELS_IMPORT",
    ),
    file(
      "no columns",
      tensors({ "entity.weight": [4, 0], "rel.weight": [4, 0], "bh.weight": [4, 1], "bt.weight": [4, 1] }),
      "MODELS_IMPORT",
    ),
    file(
      "a scalar for a table",
      tensors({ "entity.weight": [], "rel.weight": [4, 4], "bh.weight": [4, 1], "bt.weight": [4, 1] }),
      "MODELS_IMPORT",
    ),
    file(
      "fewer entities",
      tensors({ "entity.weight": [3, 4], "rel.weight": [4, 4], "bh.weight": [3, 1], "bt.weight": [3, 1] }),
      "MODELS_IMPORT",
    ),
    file(
      "fewer relations",
      tensors({ "entity.weight": [4, 4], "rel.weight": [2, 4], "bh.weight": [4, 1], "bt.weight": [4, 1] }),
      "MODELS_IMPORT",
    ),
    file(
      "relations of another width",
      tensors({ "entity.weight": [4, 4], "rel.weight": [4, 6], "bh.weight": [4, 1], "bt.weight": [4, 1] }),
      "MODELS_IMPORT",
    ),
    file("no biases", tensors({ "entity.weight": [4, 4], "rel.weight": [4, 4] }), "MODELS_IMPORT"),
    order("empty", ""),
    order("a name missing", "Alba\nBero\nCira\n", "entities.txt", "Dano"),
    order("a name too many", `${names}Egon\n`, "entities.txt", "Egon"),
    order("a name twice", "Alba\nBero\nCira\nDano\nAlba\n", "entities.txt", "Alba"),
    order("rows out of range", "Alba\t0\nBero\t1\nCira\t2\nDano\t4\n"),
    order("a row twice", "Alba\t0\nBero\t1\nCira\t1\nDano\t3\n"),
    order("three columns", "Alba\t0\tx\nBero\t1\tx\nCira\t2\tx\nDano\t3\tx\n"),
    order("not UTF-8", Buffer.concat([Buffer.from("Alba\nBero\nCira\nDan"), Buffer.of(0xeb, 10)])),
    order("a damaged gzip", gz(names).subarray(0, 20), "entities.txt"),
    order("inverses among them", "knows\nlikes\nknows_inverse\nlikes_inverse\n", "relations.txt", "knows_inverse"),
    refused("relations.txt: a directory", kgemb, "MODELS_READ", "relations.txt", {
      files: { "relations.txt": directory },
    }),
    refused("a damaged gzip of names", kgemb, "MODELS_IMPORT", "entities.txt.gz", {
      files: { "entities.txt.gz": gz(names).subarray(0, 20) },
      more: ["--entities", "entities.txt.gz"],
    }),
    refused("names of 512 MiB in gzip", kgemb, "MODELS_IMPORT", "entities.txt.gz", {
      files: { "entities.txt.gz": gzipOf(512) },
      more: ["--entities", "entities.txt.gz"],
    }),
    refused("names that are not there", kgemb, "MODELS_NOT_FOUND", "nowhere.txt", {
      more: ["--entities", "nowhere.txt"],
    }),
    refused("an unknown library", kgemb, "CLI_USAGE", "--from", { from: "tensorflow" }),
    refused("an unknown model", kgemb, "CLI_USAGE", "--model", { as: "TransX" }),
    refused("a model that the library lays out otherwise", kgemb, "MODELS_IMPORT", "ComplEx", { as: "ComplEx" }),
    refused("a norm of 3", kgemb, "CLI_USAGE", "--norm", { more: ["--norm", "3"] }),
    refused("an L1 norm of PyKEEN", kgemb, "MODELS_IMPORT", "norm", { from: "pykeen" }),
    refused("LibKGE: a model of KGEmb", kgemb, "MODELS_IMPORT", "foreign.safetensors", {
      from: "libkge",
      more: ["--norm", "2"],
    }),
    refused("PyKEEN: a model of KGEmb", kgemb, "MODELS_IMPORT", "foreign.safetensors", {
      from: "pykeen",
      more: ["--norm", "2"],
    }),
    refused("DGL-KE: a model of KGEmb", kgemb, "MODELS_IMPORT", "foreign.safetensors", { from: "dglke" }),
    refused("data of other sizes", kgemb, "MODELS_IMPORT", "entities.txt", {
      files: { "graph/test.txt": "Bero\tlikes\tEgon\n" },
    }),
  ];
};
