// Environment variables that make no sense, and places for results and logs that cannot hold any.
import { copy, directory, fifo, graph, link, tar } from "./_files.js";
import { trainedWith } from "./_fixtures.js";

const variable = (name, value, names, code = "KERNELS_BAD_OPTION", run = "info") => ({
  name: `${name}=${String(value).slice(0, 20)}`,
  env: { [name]: value },
  run,
  ...{ code, names: [name, ...[].concat(names)] },
});
const threads = (value, names = []) => variable("MULDE_THREADS", value, names);
const quick = ["train", "--data", "graph", ...trainedWith];
const mirror = (name, value, code, names, files = {}) => ({
  name: `MULDE_DATASETS_MIRROR ${name}`,
  env: { MULDE_DATASETS_MIRROR: value },
  files,
  run: "datasets fetch UMLS",
  writes: true,
  ...{ code, names },
});

export const cases = ({ model }) => {
  const out = (name, path, code, names, files = {}, more = []) => ({
    name: `--out ${name}`,
    files: { ...graph(), ...files },
    run: [...quick, "--out", path, ...more],
    ...{ code, names },
  });
  const log = (name, path, files = {}) => ({
    name: `--log ${name}`,
    files: { ...graph(), ...files },
    run: [...quick, "--out", "out", "--log", path],
    code: "CLI_LOG",
    names: path.slice(0, 40),
  });
  const imported = (name, path, files, names = path) => ({
    name: `--import ${name}`,
    files: { ...graph(), ...files },
    run: [...quick, "--out", "out", "--import", path],
    ...{ code: "CLI_IMPORT", names },
  });
  return [
    threads("abc", "abc"),
    threads("0"),
    threads("-1"),
    threads("1e9"),
    threads("1.5"),
    threads("257"),
    threads("NaN", "NaN"),
    threads("Infinity"),
    threads(" ", '" "'),
    threads("two", "two"),
    threads("\u001b[2J"),
    threads("x".repeat(100_000)),
    variable("MULDE_KERNELS", "foo", "wasm"),
    variable("MULDE_KERNELS", "NATIVE", "native"),
    variable("MULDE_KERNELS", "\u001b[2J", "wasm"),
    variable("MULDE_TFJS", "foo", "wasm", "TFJS_UNKNOWN_BACKEND"),
    variable("MULDE_TFJS", "gpu", "wasm", "TFJS_UNKNOWN_BACKEND"),
    mirror("that is not there", "/nowhere/at/all", "DATA_NOT_IN_MIRROR", "/nowhere/at/all"),
    mirror("that is no URL", "http://", "DATA_DOWNLOAD", "MULDE_DATASETS_MIRROR"),
    mirror("of another protocol", "ftp://127.0.0.1/x", "DATA_NOT_IN_MIRROR", "ftp:"),
    mirror("with a port that is none", "http://127.0.0.1:99999/", "DATA_DOWNLOAD", "99999"),
    mirror("that nobody listens to", "http://127.0.0.1:9/", "DATA_DOWNLOAD", "127.0.0.1:9"),
    mirror("that is a file", "mirror", "DATA_NOT_IN_MIRROR", "mirror", { mirror: "x" }),
    mirror("with an escape", "\u001b[2J", "DATA_NOT_IN_MIRROR", []),
    mirror("of a file URL with a host", "file://host/x", "DATA_NOT_IN_MIRROR", "file:"),
    { name: "a cache that is a file", files: { "home/.cache": "x" }, run: "datasets fetch UMLS", env: { MULDE_DATASETS_MIRROR: "/nowhere" }, code: "DATA_CACHE", names: ".cache" },
    { name: "a cache in a device", env: { XDG_CACHE_HOME: "/dev/null", MULDE_DATASETS_MIRROR: "/nowhere" }, run: "datasets fetch UMLS", code: "DATA_CACHE", names: "/dev/null" },
    { name: "a relative cache is ignored", env: { XDG_CACHE_HOME: "here" }, run: "info --json", names: "home/.cache" },
    { name: "no HOME", env: { HOME: undefined }, run: "info --json", names: "kernels" },
    { name: "an empty HOME", env: { HOME: "" }, run: "info --json", names: "kernels" },
    { name: "no PATH", env: { PATH: undefined }, run: "info --json", names: "kernels" },
    { name: "an empty MULDE_THREADS", env: { MULDE_THREADS: "" }, run: "info --json", names: "kernels" },
    { name: "a TMPDIR that is not there", env: { TMPDIR: "/nowhere/at/all" }, files: { "g.tar": tar() }, run: "datasets info g.tar", code: "DATA_UNREADABLE", names: ["/nowhere/at/all", "TMPDIR"] },
    { name: "a TMPDIR that is a file", env: { TMPDIR: "/dev/null" }, files: { "g.tar": tar() }, run: "datasets info g.tar", code: "DATA_UNREADABLE", names: ["/dev/null", "TMPDIR"] },

    out("a file", "out", "CLI_OUT", "out", { out: "x" }),
    out("below a file", "out/deeper", "CLI_OUT", "out", { out: "x" }),
    out("in a device", "/dev/null/x", "CLI_OUT", "/dev/null/x"),
    out("a device", "/dev/null", "CLI_OUT", "/dev/null"),
    out("a FIFO", "pipe", "CLI_OUT", "pipe", { pipe: fifo }),
    out("a link to itself", "loop", "CLI_OUT", "loop", { loop: link("loop") }),
    out("a link to nothing", "loop/x", "CLI_OUT", "loop", { loop: link("nowhere") }),
    out("a name of 300 letters", "x".repeat(300), "CLI_OUT", "xxx"),
    out("a path of 5,000 letters", "x/".repeat(2500), "CLI_OUT", "x/x"),
    out("nothing", "", "CLI_USAGE", "--out"),
    out("a trained model", "model", "CLI_OUT_TAKEN", "model", { model: copy(model) }),
    out("in proc", "/proc/mulde", "CLI_OUT", "/proc/mulde"),
    { name: "--out of an experiment that is a model", files: { ...graph(), model: copy(model), "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out model", code: "CLI_OUT_TAKEN", names: "model" },
    { name: "--out of an experiment that is a file", files: { ...graph(), out: "x", "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out out", code: "CLI_OUT", names: "out" },
    { name: "--out of an import that is a file", files: { ...graph(), out: "x" }, run: "import a --from kgemb --model TransE --data graph --entities a --relations a --out out", code: "MODELS_NOT_FOUND", names: "a" },
    { name: "a report that is no JSON", files: { ...graph(), "out/report.json": "{", "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out out", code: "CLI_REPORT", names: "report.json" },
    { name: "a report that is null", files: { ...graph(), "out/report.json": "null", "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out out", code: "CLI_REPORT", names: "report.json" },
    { name: "a report of another shape", files: { ...graph(), "out/report.json": '{"dataset":{},"rows":7}', "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out out", code: "CLI_REPORT", names: "report.json" },
    { name: "an experiment.yaml that is a directory", files: { ...graph(), "out/experiment.yaml": directory, "out/a/config.json": "{}", "x.yaml": "data: graph\nteachers: [{}]\njunior: {}\n" }, run: "run x.yaml --out out", code: "CLI_FOREIGN_EXPERIMENT", names: "out" },
    log("a directory", "logs", { logs: directory }),
    log("below a file", "graph/train.txt/log"),
    log("in a device", "/dev/null/log"),
    log("a name of 300 letters", "x".repeat(300)),
    imported("that is not there", "nowhere.mjs", {}),
    imported("a directory", "graph", {}),
    imported("that does not parse", "own.mjs", { "own.mjs": "export const = 7;\n" }),
    imported("that throws", "own.mjs", { "own.mjs": "throw new Error('no such luck');\n" }, "no such luck"),
    imported("that throws no error", "own.mjs", { "own.mjs": "throw 7;\n" }),
    imported("that throws nothing", "own.mjs", { "own.mjs": "throw undefined;\n" }),
    imported("that imports what is not there", "own.mjs", { "own.mjs": 'import "nowhere";\n' }),
    imported("of another kind", "own.txt", { "own.txt": "hello\n" }),
    imported("with an escape in its error", "own.mjs", { "own.mjs": "throw new Error('\\u001b[2J');\n" }),
  ];
};
