import { MuldeError } from "@mulde/errors";

/** How many bytes of a file's start `formatOf` needs: tar has its magic bytes at 257. */
export const HEAD = 512;

interface Format {
  readonly name: string;
  /** How to make something that can be read. */
  readonly fix: string;
  readonly magic: readonly number[];
  readonly at?: number;
}

/** The name of the format that is unpacked, once. */
export const GZIP = "a gzip file";

export const TAR = "a tar archive";

const ascii = (text: string): number[] => [...Buffer.from(text, "latin1")];
const UTF16 = { name: "UTF-16 text", fix: "convert it to UTF-8: iconv -f UTF-16 -t UTF-8" };
const BZIP2 = { name: "a bzip2 file", fix: "unpack it with bunzip2" };
const ZIP = { name: "a zip archive", fix: "unpack it with unzip and pass the directory" };

// The first match counts.
const FORMATS: readonly Format[] = [
  { name: GZIP, fix: "unpack it with gunzip", magic: [0x1f, 0x8b] },
  { ...UTF16, magic: [0xff, 0xfe] },
  { ...UTF16, magic: [0xfe, 0xff] },
  { ...ZIP, magic: ascii("PK\x03\x04") },
  // An empty one.
  { ...ZIP, magic: ascii("PK\x05\x06") },
  { name: "a 7z archive", fix: "unpack it with 7z x and pass the directory", magic: ascii("7z\xbc\xaf\x27\x1c") },
  { name: "an xz file", fix: "unpack it with unxz", magic: ascii("\xfd7zXZ\0") },
  // A level from 1 to 9 stands at byte 3. "BZh" alone may start a name.
  { ...BZIP2, magic: ascii("1AY&SY"), at: 4 },
  { ...BZIP2, magic: [0x17, 0x72, 0x45, 0x38, 0x50, 0x90], at: 4 },
  { name: "a zstd file", fix: "unpack it with unzstd", magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "an lz4 file", fix: "unpack it with unlz4", magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: "a RAR archive", fix: "unpack it with unrar and pass the directory", magic: ascii("Rar!\x1a\x07") },
  { name: "a Parquet file", fix: "write its triples as tab-separated text", magic: ascii("PAR1") },
  { name: "an SQLite database", fix: "write its triples as tab-separated text", magic: ascii("SQLite format 3\0") },
  { name: TAR, fix: "name it .tar or .tar.gz and load it as a data set", magic: ascii("ustar"), at: 257 },
];

/** The format whose magic bytes a file starts with; undefined for text. */
export function formatOf(head: Buffer): Format | undefined {
  return FORMATS.find(({ magic, at = 0, ...format }) => {
    if (format.name === BZIP2.name && head.toString("latin1", 0, 3) !== "BZh") return false;
    return magic.every((byte, i) => head[at + i] === byte);
  });
}

/**
 * Refuses bytes that are of a known format, after unpacking. The error says how to convert them.
 * @param expected - the name of the only format that is right; none is for text
 * @throws MuldeError DATA_FORMAT
 */
export function refuseFormats(file: string, head: Buffer, expected?: string): void {
  const format = formatOf(head);
  if (format === undefined || format.name === expected) return;
  const name = format.name === GZIP ? "a gzip file within a gzip file" : format.name;
  throw new MuldeError("DATA_FORMAT", `this is ${name}, which cannot be read as triples; ${format.fix}.`, {
    file,
    value: name,
  });
}
