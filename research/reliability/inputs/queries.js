// `mulde predict`, `score` and `evaluate` with names, files and options that do not fit.
import { changedJson, copy, fifo, graph, gz, sparse, test, under } from "./_files.js";

export const cases = ({ model, other }) => {
  const files = { ...graph(), model: copy(model) };
  const refused = (name, run, code, names, more = {}) => ({ name, files: { ...files, ...more }, run, code, names });
  const ask = (name, args, names, code = "MODELS_UNKNOWN_NAME") =>
    refused(name, ["predict", "model", ...args], code, names);
  // A model that does not say which data it was trained on.
  const anonymous = changedJson(`${model}/config.json`, { dataset: undefined });
  const usage = (name, args, names) => ask(name, args, names, "CLI_USAGE");
  const triples = (name, content, code, names = "t.txt", args = []) =>
    refused(`score: ${name}`, ["score", "model", "--triples", "t.txt", ...args], code, names, { "t.txt": content });
  const evaluate = (name, args, code, names, more) =>
    refused(`evaluate: ${name}`, ["evaluate", "model", ...args], code, names, more);
  return [
    ask("an unknown head", ["--head", "Albo", "--relation", "knows"], ["--head", "Albo", "Alba"]),
    ask("an unknown tail", ["--tail", "Zoe", "--relation", "knows"], ["--tail", "Zoe"]),
    ask("an unknown relation", ["--head", "Alba", "--relation", "know"], ["--relation", "knows"]),
    ask("a relation as head", ["--head", "knows", "--relation", "likes"], "--head"),
    ask("an entity as relation", ["--head", "Alba", "--relation", "Bero"], "--relation"),
    ask("an empty head", ["--head", "", "--relation", "knows"], "--head"),
    ask("a head of spaces", ["--head", "  ", "--relation", "knows"], "--head"),
    ask("a head with a tab", ["--head", "Alba\tknows", "--relation", "knows"], "--head"),
    ask("a head with a line end", ["--head", "Alba\n", "--relation", "knows"], "--head"),
    ask("a head with an escape", ["--head", "\u001b[31mAlba", "--relation", "knows"], "--head"),
    ask("a head with a bidi override", ["--head", "\u202eablA", "--relation", "knows"], ["--head", "\\u202e"]),
    ask("a head in a field of every object", ["--head", "__proto__", "--relation", "knows"], "__proto__"),
    ask("a relation in a field of every object", ["--head", "Alba", "--relation", "toString"], "toString"),
    ask("a head of 100,000 letters", ["--head", "x".repeat(100_000), "--relation", "knows"], "--head"),
    ask(
      "a head of 30,000 letters of an alphabet beyond",
      ["--head", "\ud83d\ude00".repeat(30_000), "--relation", "knows"],
      "--head",
    ),
    ask("an id for a name", ["--head", "0", "--relation", "knows"], '"0"'),
    usage("no part", [], "--head"),
    usage("a relation alone", ["--relation", "knows"], "--head"),
    usage("a whole triple", ["--head", "Alba", "--relation", "knows", "--tail", "Bero"], "mulde score"),
    usage("a top of 0", ["--head", "Alba", "--top", "0"], "--top"),
    usage("a negative top", ["--head", "Alba", "--top", "-1"], "--top"),
    usage("a top of 1e999", ["--head", "Alba", "--top", "1e999"], "--top"),
    usage("a top of NaN", ["--head", "Alba", "--top", "NaN"], "--top"),
    usage("a fraction as top", ["--head", "Alba", "--top", "2.5"], "--top"),
    usage("an empty top", ["--head", "Alba", "--top", ""], "--top"),
    usage("--new without data", ["--head", "Alba", "--new"], "--new"),
    refused("no directory", ["predict", "--head", "Alba"], "CLI_USAGE", "dir"),
    ask("data that is not there", ["--head", "Alba", "--data", "./nowhere"], "nowhere", "DATA_NOT_FOUND"),
    refused(
      "data of another vocabulary",
      ["predict", "model", "--head", "Alba", "--data", "others"],
      "MODELS_FOREIGN_DATA",
      "model",
      under("others", {
        "train.txt": "Xeno\tsees\tYlva\n",
        "valid.txt": "Xeno\tsees\tYlva\n",
        "test.txt": "Xeno\tsees\tYlva\n",
      }),
    ),
    {
      name: "a top beyond the entities",
      files,
      run: "predict model --head Alba --relation knows --top 9007199254740991 --json",
      names: "Dano",
    },

    triples("nothing", "", "DATA_EMPTY"),
    triples("two columns", "Alba\tknows\n", "DATA_MALFORMED_LINE", "t.txt:1"),
    triples("an unknown entity", "Alba\tknows\tBero\n\nAlba\tknows\tEgon\n", "MODELS_UNKNOWN_NAME", [
      "t.txt:3",
      "Egon",
    ]),
    triples("an unknown relation", "Alba\tlikez\tBero\n", "MODELS_UNKNOWN_NAME", ["t.txt:1", "likes"]),
    triples("the other order", "knows\tAlba\tBero\n", "MODELS_UNKNOWN_NAME", "t.txt:1"),
    triples("a name of 100,000 letters", `Alba\tknows\t${"x".repeat(100_000)}\n`, "MODELS_UNKNOWN_NAME", "t.txt:1"),
    triples("an escape in a name", "Alba\tknows\t\u001b[2JBero\n", "MODELS_UNKNOWN_NAME", "t.txt:1"),
    triples("UTF-16", Buffer.from(`\ufeff${test}`, "utf16le"), "DATA_FORMAT", ["t.txt", "UTF-16"]),
    triples("a FIFO", fifo, "DATA_UNREADABLE"),
    triples("1 GB without a line end", sparse(1e9), "DATA_MALFORMED_LINE", "t.txt:1"),
    triples("an empty delimiter", test, "CLI_USAGE", "--delimiter", ["--delimiter", ""]),
    refused("score: a file that is not there", "score model --triples nowhere.txt", "DATA_NOT_FOUND", "nowhere.txt"),
    refused("score: a directory", "score model --triples graph", "DATA_UNREADABLE", "graph"),
    refused(
      "score: an unknown entity in gzip",
      "score model --triples t.txt.gz",
      "MODELS_UNKNOWN_NAME",
      ["t.txt.gz:2", "Egon"],
      { "t.txt.gz": gz("Alba\tknows\tBero\nAlba\tknows\tEgon\n") },
    ),
    refused(
      "score: an unknown entity in gzip of another name",
      "score model --triples t.txt",
      "MODELS_UNKNOWN_NAME",
      ["t.txt:2", "Egon"],
      { "t.txt": gz("Alba\tknows\tBero\nAlba\tknows\tEgon\n") },
    ),
    refused("score: no file", "score model", "CLI_USAGE", "--triples"),

    evaluate("no data", [], "CLI_USAGE", "--data"),
    evaluate("an unknown split", ["--data", "graph", "--split", "tets"], "CLI_USAGE", "--split"),
    evaluate("an unknown tie", ["--data", "graph", "--tie", "random"], "CLI_USAGE", "--tie"),
    evaluate("an empty split", ["--data", "graph"], "TRAINER_DATA", "test", {
      "graph/test.txt": "",
      "model/config.json": anonymous,
    }),
    evaluate("an empty validation split", ["--data", "graph", "--split", "valid"], "TRAINER_DATA", "valid", {
      "graph/valid.txt": "",
      "model/config.json": anonymous,
    }),
    evaluate("data of another vocabulary", ["--data", "graph"], "MODELS_FOREIGN_DATA", "model", {
      "graph/test.txt": "Bero\tlikes\tEgon\n",
    }),
    evaluate(
      "data with the columns in another order",
      ["--data", "graph", "--columns", "rht"],
      "MODELS_FOREIGN_DATA",
      "model",
    ),
    refused("evaluate: a model of other data", "evaluate other --data graph", "MODELS_FOREIGN_DATA", "other", {
      other: copy(other),
    }),
    refused("datasets info: an unknown name", "datasets info WN18R", "DATA_UNKNOWN_DATASET", "WN18RR"),
    refused(
      "datasets info: a name with an escape",
      ["datasets", "info", "\u001b[2J"],
      "DATA_UNKNOWN_DATASET",
      "\\u001b",
    ),
    refused("datasets fetch: an unknown name", "datasets fetch FB15k", "DATA_UNKNOWN_DATASET", "FB15k"),
    refused("datasets fetch: an empty name", ["datasets", "fetch", ""], "DATA_UNKNOWN_DATASET", '""'),
    refused("train: an unknown data set", "train --data wordnet --out out", "DATA_UNKNOWN_DATASET", "wordnet31"),
  ];
};
