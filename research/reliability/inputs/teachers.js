// Teachers that do not teach: `mulde distil`, and the files of scores.
import { changed, copy, directory, flipped, graph, link, sparse } from "./_files.js";

const distil = (teachers, more = []) => [
  ...["distil", "--teachers", teachers, "--data", "graph", "--out", "out"],
  ...["--junior", "RotH", "--dim", "4", "--epochs", "1", "--top-k", "2", ...more],
];

export const cases = ({ model, transe, other, scores }) => {
  const refused = (name, teachers, code, names, files = {}) => ({
    name,
    files: { ...graph(), model: copy(model), ...files },
    run: distil(teachers),
    code,
    names,
  });
  const table = (name, content, names = "scores.parquet") =>
    refused(name, "scores.parquet", "SENIOR_TABLE_FILE", names, { "scores.parquet": content });
  return [
    refused("a directory that is not there", "model,nowhere", "MODELS_NOT_FOUND", "nowhere"),
    refused("the data set's directory", "graph", "MODELS_NOT_FOUND", "graph/config.json"),
    refused("a file", "graph/train.txt", "MODELS_NOT_FOUND", "train.txt"),
    refused("of another vocabulary", "model,other", "MODELS_FOREIGN_DATA", "other", { other: copy(other) }),
    refused("of fewer entities alone", "other", "MODELS_FOREIGN_DATA", "other", { other: copy(other) }),
    refused("the same teacher twice", "model,model", "CLI_USAGE", ["--teachers", "model"]),
    refused("the same teacher by two paths", "model,./model", "CLI_USAGE", ["--teachers", "model"]),
    refused("the same teacher with a slash", "model/,model", "CLI_USAGE", ["--teachers", "model"]),
    refused("the same teacher by a link", "model,same", "CLI_USAGE", ["--teachers", "same"], { same: link("model") }),
    refused("a table that is not there", "scores.parquet", "SENIOR_TABLE_FILE", "scores.parquet"),
    table("an empty table", ""),
    table("a table that is text", "head,relation,tail,score\n0,0,1,1\n"),
    table("a table that is a directory", directory),
    table("a table of zeros", Buffer.alloc(4096)),
    table("a sparse table of 1 GB", sparse(1e9)),
    table(
      "a truncated table",
      changed(scores, (content) => content.subarray(0, content.length - 10)),
    ),
    table(
      "a table without its beginning",
      changed(scores, (content) => content.subarray(10)),
    ),
    table(
      "a flipped bit in the footer's length",
      changed(scores, (content) => flipped(content, -7, 5)),
    ),
    table(
      "a flipped bit in the header of a page",
      changed(scores, (content) => flipped(content, 4, 5)),
    ),
    // Found by fuzzing: the reader of Parquet went back and back, for ever.
    ...[5, 6, 7, 8, 9, 10, 11, 12].map((at) =>
      table(
        `a page whose header leads nowhere, byte ${at}`,
        changed(scores, (content) => overwritten(content, at)),
      ),
    ),
    table("a model's parameters", copy(`${model}/model.safetensors`)),
    refused("a table of another graph's ids", "scores.parquet", "SENIOR_TEACHER_FAILED", ["scores", "head"], {
      "scores.parquet": copy(scores),
    }),
    {
      name: "names that repeat get numbers",
      files: { ...graph(), "a/model": copy(model), "b/model": copy(transe) },
      run: distil("a/model,b/model"),
      writes: true,
      names: "RotH",
    },
    {
      name: "a K beyond the entities",
      files: { ...graph(), model: copy(model) },
      run: distil("model", ["--top-k", "100000"]),
      writes: true,
      names: "RotH",
    },
    {
      name: "an adapting table",
      files: { ...graph(), "scores.parquet": copy(scores) },
      run: distil("scores.parquet", ["--set", "soft.adaptFrom=1"]),
      code: "CLI_USAGE",
      names: "soft.adaptFrom",
    },
  ];
};

function overwritten(content, at) {
  const copied = Buffer.from(content);
  copied.fill(0xff, at, at + 2);
  return copied;
}
