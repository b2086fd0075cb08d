// RDF and OpenKE files, read as data sets by `mulde datasets info`.
import { graph, gz, link, openke, sparse } from "./_files.js";

const info = "datasets info graph";
const said = "<http://e/Alba> <http://e/knows> <http://e/Bero> .\n";
const rdf = (ending) => (name, content, code, names) => ({
  name: `${ending}: ${name}`,
  files: graph({ "train.txt": undefined, [`train.${ending}`]: content }),
  run: info,
  ...{ code, names },
});
const nt = rdf("nt");
const ttl = rdf("ttl");
const ids = (name, changed, code, names) => ({
  name: `OpenKE: ${name}`,
  files: openke(changed),
  run: info,
  code,
  names,
});
const line = "DATA_MALFORMED_LINE";

export const cases = () => [
  nt("not a triple", `${said}Alba knows Bero\n`, line, "train.nt:2"),
  nt("no full stop", "<http://e/Alba> <http://e/knows> <http://e/Bero>\n", line, "train.nt"),
  nt("an IRI without an end", `${said}<http://e/Alba <http://e/knows> <http://e/Bero> .\n`, line, "train.nt:2"),
  nt("a relative IRI", "<Alba> <http://e/knows> <http://e/Bero> .\n", line, "train.nt:1"),
  nt("a literal", `${said}<http://e/Alba> <http://e/age> "7" .\n`, "DATA_LITERAL", "train.nt:2"),
  nt("a literal as subject", '"Alba" <http://e/knows> <http://e/Bero> .\n', line, "train.nt:1"),
  nt("a blank node as predicate", "<http://e/Alba> _:b <http://e/Bero> .\n", line, "train.nt:1"),
  nt("a graph's name (N-Quads)", "<http://e/A> <http://e/k> <http://e/B> <http://e/g> .\n", line, "train.nt:1"),
  nt("a prefix", "@prefix e: <http://e/> .\n", line, "train.nt:1"),
  nt(
    "bytes that are not UTF-8",
    Buffer.concat([Buffer.from(`${said}<http://e/`), Buffer.of(0xff), Buffer.from("> .\n")]),
    line,
    "train.nt:2",
  ),
  nt("UTF-16", Buffer.from(`\ufeff${said}`, "utf16le"), "DATA_FORMAT", ["train.nt", "UTF-16"]),
  nt("a NUL", `${said}\0`, line, "train.nt"),
  nt("nothing", "", "DATA_EMPTY", "train.nt"),
  nt("comments alone", "# nothing\n# here\n", "DATA_EMPTY", "train.nt"),
  nt("an IRI of 64 MiB without an end", sparse(64 << 20, "<http://e/"), line, "train.nt"),
  nt(
    "half a gigabyte of letters without a line end",
    (path) => sparse(512 << 20, `${said}<http://e/x`)(path),
    line,
    "train.nt",
  ),
  nt("a link to nothing", link("nowhere"), "DATA_NOT_FOUND", "train.nt"),
  ttl("an unknown prefix", "e:Alba e:knows e:Bero .\n", line, "train.ttl:1"),
  // Found by fuzzing: the parser of a library stumbled over it.
  ttl("a prefix whose IRI is none", "@prefix e: <ht]p://e/> .\ne:", line, "train.ttl"),
  ttl("a list without an end", "<http://e/A> <http://e/k> ( <http://e/B> .\n", line, "train.ttl:1"),
  ttl("a statement without an end", "<http://e/A> <http://e/k>", line, "train.ttl"),
  ttl("a number as object", "@prefix e: <http://e/> .\ne:Alba e:age 7 .\n", "DATA_LITERAL", "train.ttl:2"),
  ttl("JSON-LD", '{"@context": {}, "@id": "http://e/Alba"}\n', line, "train.ttl:1"),
  ttl(
    "RDF/XML",
    '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>\n',
    line,
    "train.ttl:1",
  ),
  ttl("100,000 open brackets", `<http://e/A> <http://e/k> ${"[ <http://e/k> ".repeat(100_000)}\n`, line, "train.ttl"),
  ttl("a string without an end of 64 MiB", sparse(64 << 20, '<http://e/A> <http://e/k> """'), line, "train.ttl"),

  ids("no count", { "entity2id.txt": "Alba\t0\nBero\t1\n" }, line, "entity2id.txt:1"),
  ids(
    "a count that is too high",
    { "entity2id.txt": "5\nAlba\t0\nBero\t1\nCira\t2\nDano\t3\n" },
    "DATA_COUNT_MISMATCH",
    "entity2id.txt",
  ),
  ids("a count that is too low", { "relation2id.txt": "1\nknows\t0\nlikes\t1\n" }, line, "relation2id.txt:3"),
  ids(
    "a count of 99999999999999999999",
    { "entity2id.txt": "99999999999999999999\nAlba\t0\n" },
    line,
    "entity2id.txt:1",
  ),
  ids("a negative count", { "train2id.txt": "-1\n0 1 0\n" }, line, "train2id.txt:1"),
  ids("a count of 0", { "entity2id.txt": "0\n" }, "DATA_EMPTY", "entity2id.txt"),
  ids("no training triples", { "train2id.txt": "0\n" }, "DATA_EMPTY", "train2id.txt"),
  ids("an empty file", { "entity2id.txt": "" }, "DATA_COUNT_MISMATCH", "entity2id.txt"),
  ids("an empty file of triples", { "train2id.txt": "" }, "DATA_COUNT_MISMATCH", "train2id.txt"),
  ids(
    "a name twice",
    { "entity2id.txt": "4\nAlba\t0\nAlba\t1\nCira\t2\nDano\t3\n" },
    "DATA_DUPLICATE_NAME",
    "entity2id.txt:3",
  ),
  ids("an id twice", { "entity2id.txt": "4\nAlba\t0\nBero\t0\nCira\t2\nDano\t3\n" }, line, "entity2id.txt:3"),
  ids("an id out of range", { "train2id.txt": "1\n0 4 0\n" }, line, "train2id.txt:2"),
  ids("a relation out of range", { "test2id.txt": "1\n0 1 2\n" }, line, "test2id.txt:2"),
  ids("a negative id", { "train2id.txt": "1\n-1 1 0\n" }, line, "train2id.txt:2"),
  ids("an id of 2^31", { "train2id.txt": "1\n2147483648 1 0\n" }, line, "train2id.txt:2"),
  ids("a fraction", { "train2id.txt": "1\n0.5 1 0\n" }, line, "train2id.txt:2"),
  ids("hexadecimal", { "train2id.txt": "1\n0x0 1 0\n" }, line, "train2id.txt:2"),
  ids("two ids", { "train2id.txt": "1\n0 1\n" }, line, "train2id.txt:2"),
  ids("four ids", { "train2id.txt": "1\n0 1 0 1\n" }, line, "train2id.txt:2"),
  ids("a name without an id", { "entity2id.txt": "4\nAlba\nBero\t1\nCira\t2\nDano\t3\n" }, line, "entity2id.txt:2"),
  ids(
    "names that are not UTF-8",
    { "entity2id.txt": Buffer.concat([Buffer.from("1\nZo"), Buffer.of(0xeb), Buffer.from("\t0\n")]) },
    line,
    "entity2id.txt:2",
  ),
  ids("a line of 1 GB", { "train2id.txt": sparse(1e9, "1\n") }, line, "train2id.txt:2"),
  ids("names for triples", { "train2id.txt": "1\nAlba Bero knows\n" }, line, "train2id.txt:2"),
  ids(
    "a damaged gzip",
    { "train2id.txt": undefined, "train2id.txt.gz": gz("1\n0 1 0\n").subarray(0, 15) },
    "DATA_BAD_GZIP",
    "train2id.txt.gz",
  ),
  {
    name: "OpenKE: a missing entity2id.txt",
    files: openke({ "entity2id.txt": undefined }),
    run: info,
    code: "DATA_MISSING_SPLIT",
    names: "graph",
  },
];
