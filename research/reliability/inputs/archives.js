// Archives, and compressed files of other kinds than the ones that are read.
import { gzipSync } from "node:zlib";
import {
  archiveEnd,
  changed,
  directory,
  flipped,
  graph,
  gz,
  gzipOf,
  member,
  sparse,
  tar,
  test,
  train,
  valid,
} from "./_files.js";

const packed = (name, file, content, code, names = []) => ({
  name,
  files: { [file]: content },
  run: ["datasets", "info", file],
  ...{ code, names: [file, ...[].concat(names)] },
});
const unsafe = (name, members, names) =>
  packed(name, "g.tar.gz", gz(tar({ before: members })), "DATA_UNSAFE_ARCHIVE", names);
const damaged = (name, content, names, code = "DATA_BAD_ARCHIVE") => packed(name, "g.tar.gz", content, code, names);
const holds = (name, content, file = "g.tar.gz") => ({
  name,
  files: { [file]: content },
  run: ["datasets", "info", file],
  names: "train",
});
const apple = (file) => member(`graph/._${file}`, Buffer.from("\0\x05\x16\x07\0\x02\0\0Mac OS X        "));
// Each record of a PAX header begins with its own length.
const pax = (key, value) => {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return member("PaxHeader", `${length}${rest}`, { type: "x" });
};
const whole = gz(tar());
const zip = Buffer.concat([Buffer.from("PK\u0003\u0004\u0014\0\0\0\0\0", "latin1"), Buffer.alloc(200)]);
const xz = Buffer.concat([Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), Buffer.alloc(200)]);
const parquet = Buffer.concat([Buffer.from("PAR1"), Buffer.alloc(200), Buffer.from("PAR1")]);
const bzip2 = Buffer.concat([Buffer.from("BZh91AY&SY"), Buffer.alloc(200, 7)]);
const zstd = Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd), Buffer.alloc(200, 7)]);

export const cases = ({ model }) => [
  unsafe("an absolute path", [member("/tmp/evil.txt", "x")], "/tmp/evil.txt"),
  unsafe("a path of Windows", [member("C:\\evil.txt", "x")], "evil.txt"),
  unsafe("a path that leads up", [member("../evil.txt", "x")], "../evil.txt"),
  unsafe("a path that leads up from inside", [member("graph/../../evil.txt", "x")], ".."),
  unsafe("a backslash that leads up", [member("graph\\..\\..\\evil.txt", "x")], ".."),
  unsafe("a symbolic link", [member("graph/link", "", { type: "2", linkname: "/etc/passwd" })], "graph/link"),
  unsafe(
    "a symbolic link to a directory, then a file in it",
    [member("d", "", { type: "2", linkname: "/tmp" }), member("d/evil.txt", "x")],
    "d",
  ),
  unsafe("a hard link", [member("graph/link", "", { type: "1", linkname: "graph/train.txt" })], "graph/link"),
  unsafe("a character device", [member("graph/null", "", { type: "3" })], "graph/null"),
  unsafe("a block device", [member("graph/disk", "", { type: "4" })], "graph/disk"),
  unsafe("a FIFO", [member("graph/pipe", "", { type: "6" })], "graph/pipe"),
  unsafe("a long path in a PAX header that leads up", [pax("path", "graph/../../evil.txt"), member("x", "x")], []),
  unsafe(
    "more than a thousand members",
    Array.from({ length: 1001 }, (_, i) => member(`graph/${i}`)),
    "1000",
  ),
  damaged("a name with an escape", gz(tar({ before: [member("\u001b[2J/../x", "x")] })), [], "DATA_UNSAFE_ARCHIVE"),
  damaged(
    "a name of 10,000 characters",
    gz(tar({ before: [pax("path", "x".repeat(10_000)), member("x", "x")] })),
    [],
    "DATA_UNSAFE_ARCHIVE",
  ),
  damaged(
    "a path of 2,000 directories",
    gz(tar({ before: [pax("path", `${"x/".repeat(2000)}x`), member("x", "x")] })),
    [],
    "DATA_UNSAFE_ARCHIVE",
  ),
  damaged("a member twice", gz(tar({ after: [member("graph/train.txt", train)] })), "train.txt", "DATA_UNSAFE_ARCHIVE"),
  damaged("cut in the middle of a member", gz(tar().subarray(0, 700))),
  damaged("no tar archive in it", gz(train)),
  damaged("nothing in it", gz("")),
  damaged("zeros in it", gz(Buffer.alloc(10240))),
  damaged("random bytes in it", gz(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255)))),
  damaged("a wrong checksum of a header", gz(tar({ before: [member("graph/x", "x", { checksum: 1 })] }))),
  damaged("a size beyond the end", gz(member("graph/train.txt", train, { size: 1 << 30 }))),
  damaged("a negative size", gz(tar({ before: [member("graph/x", "x", { size: -5 })] }))),
  damaged("a gzip cut in the middle", whole.subarray(0, whole.length / 2), [], "DATA_BAD_GZIP"),
  damaged("a gzip without its last 8 bytes", whole.subarray(0, whole.length - 8), [], "DATA_BAD_GZIP"),
  damaged("a gzip with a wrong checksum", flipped(whole, -6), [], "DATA_BAD_GZIP"),
  damaged("a gzip with a wrong length", flipped(whole, -2), [], "DATA_BAD_GZIP"),
  damaged("a gzip with a flipped bit in its data", flipped(whole, 60, 4), [], "DATA_BAD_GZIP"),
  damaged("a gzip of an unknown method", flipped(whole, 2, 1), [], "DATA_BAD_GZIP"),
  damaged("two bytes of gzip", Buffer.of(0x1f, 0x8b), [], "DATA_BAD_GZIP"),
  damaged(
    "a wrong line in a member",
    gz(tar({ splits: { "train.txt": "Alba\n" } })),
    "train.txt:1",
    "DATA_MALFORMED_LINE",
  ),
  damaged(
    "no test split",
    gz(Buffer.concat([member("graph/train.txt", train), member("graph/valid.txt", valid), archiveEnd])),
    "test",
    "DATA_MISSING_SPLIT",
  ),

  // Bombs: what is unpacked is limited, in every layer, and so is a line.
  ...bombs(),

  packed("a zip named .tar.gz", "g.tar.gz", zip, "DATA_FORMAT", "zip"),
  packed("an xz named .tar.gz", "g.tar.gz", xz, "DATA_FORMAT", "xz"),
  packed("a zip", "g.zip", zip, "DATA_FORMAT", "zip"),
  packed("an xz", "g.tar.xz", xz, "DATA_FORMAT", "xz"),
  packed("a Parquet file", "g.parquet", parquet, "DATA_FORMAT", "Parquet"),
  packed("a directory named .tar.gz", "g.tar.gz", directory, "DATA_MISSING_SPLIT"),
  ...Object.entries({ zip, xz, parquet, bzip2, zstd }).map(([kind, content]) => ({
    name: `${kind} in place of train.txt`,
    files: graph({ "train.txt": content }),
    run: "datasets info graph",
    code: "DATA_FORMAT",
    names: ["train.txt", { zip: "zip", xz: "xz", parquet: "Parquet", bzip2: "bzip2", zstd: "zstd" }[kind]],
  })),
  {
    name: "a model's parameters in place of train.txt",
    files: graph({ "train.txt": changed(`${model}/model.safetensors`, (bytes) => bytes) }),
    run: "datasets info graph",
    code: "DATA_MALFORMED_LINE",
    names: "train.txt:1",
  },

  holds("a plain tar", tar(), "g.tar"),
  holds("a .tgz", whole, "g.tgz"),
  holds(
    "an archive of macOS",
    gz(tar({ before: [apple("graph"), apple("train.txt"), apple("valid.txt"), apple("test.txt")] })),
  ),
  holds(
    "an archive of macOS with PAX headers",
    gz(tar({ before: [pax("mtime", "1700000000.123456789"), member("graph/.DS_Store", "x")] })),
  ),
  holds("a file with the name of a directory", gz(tar({ before: [member("graph", "x")] }))),
  holds("no end of archive", gz(tar({ end: Buffer.alloc(0) }))),
  holds("two gzip members in a row", Buffer.concat([gz(tar().subarray(0, 1024)), gz(tar().subarray(1024))])),
];

function bombs() {
  const zeros = (mebibytes) => gz(tar({ splits: { "train.txt": Buffer.alloc(mebibytes << 20) } }));
  const nested = gzipSync(gzipOf(5120), { level: 9 });
  const member16 = Buffer.alloc(16 << 20);
  // A header that promises 512 MiB, then that many zeros, each part a gzip member of its own.
  const big = Buffer.concat([
    gz(member("graph/train.txt", "", { size: 512 << 20 })),
    ...new Array(32).fill(gzipSync(member16, { level: 9 })),
    gz(Buffer.concat([member("graph/valid.txt", valid), member("graph/test.txt", test), archiveEnd])),
  ]);
  return [
    damaged("62 kB of gzip in gzip that unpack to 5 GB", nested, "gzip", "DATA_FORMAT"),
    damaged(
      "a member that is a gzip of 5 GB",
      gz(
        Buffer.concat([
          member("graph/train.txt.gz", gzipOf(5120)),
          member("graph/valid.txt", valid),
          member("graph/test.txt", test),
          archiveEnd,
        ]),
      ),
      "train.txt.gz",
      "DATA_MALFORMED_LINE",
    ),
    damaged("64 MiB of zeros in train.txt", zeros(64), [], "DATA_BOMB"),
    damaged("512 MiB of zeros in train.txt, 0.5 MB packed", big, [], "DATA_BOMB"),
    damaged("5 GB of zeros, no archive", gzipOf(5120), [], "DATA_BOMB"),
    {
      name: "a sparse tar of 5 GB",
      files: { "g.tar": sparse(5e9) },
      run: "datasets info g.tar",
      code: "DATA_BAD_ARCHIVE",
      names: "g.tar",
    },
    {
      name: "a train.txt.gz in a train.txt.gz",
      files: graph({ "train.txt": undefined, "train.txt.gz": gz(gz(train)) }),
      run: "datasets info graph",
      code: "DATA_FORMAT",
      names: ["train.txt.gz", "gzip"],
    },
  ];
}
