// Makers of the corpus's files. A case's `files` maps paths to text, bytes, or a function that makes the file itself.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

const lines = (text) => `${text.split(", ").join("\n")}\n`.replaceAll(" ", "\t");

/** The base graph: four people who know and like each other. */
export const train = lines(
  "Alba knows Bero, Bero knows Cira, Cira knows Dano, Dano knows Alba, Alba likes Cira, Bero likes Dano, Cira likes Alba, Dano likes Bero",
);
export const valid = lines("Alba knows Cira");
export const test = lines("Bero likes Alba");

/** The directory `graph` with the three splits; `changed` replaces files, or leaves those out that are undefined. */
export function graph(changed = {}) {
  const files = { "train.txt": train, "valid.txt": valid, "test.txt": test, ...changed };
  return under("graph", files);
}

/** The same graph as OpenKE writes it. */
export function openke(changed = {}) {
  return under("graph", {
    "entity2id.txt": "4\nAlba\t0\nBero\t1\nCira\t2\nDano\t3\n",
    "relation2id.txt": "2\nknows\t0\nlikes\t1\n",
    "train2id.txt": "3\n0 1 0\n1 2 0\n2 3 1\n",
    "valid2id.txt": "1\n3 0 0\n",
    "test2id.txt": "1\n0 2 1\n",
    ...changed,
  });
}

/** Files in a directory. */
export function under(directory, files) {
  const given = Object.entries(files).filter(([, content]) => content !== undefined);
  return Object.fromEntries(given.map(([name, content]) => [join(directory, name), content]));
}

/** Makes a case's files in its folder. */
export function makeFiles(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "function") content(path);
    else writeFileSync(path, content);
  }
}

// What is no plain text: each returns a function that makes the file.
export const directory = (path) => mkdirSync(path);
export const fifo = (path) => execFileSync("mkfifo", [path]);
export const link = (target) => (path) => symlinkSync(target, path);
/** A file of zeros that takes no room on the disk, after some bytes. */
export const sparse =
  (size, head = "") =>
  (path) => {
    writeFileSync(path, head);
    truncateSync(path, size);
  };
/** A copy of a directory or file of the fixtures. */
export const copy = (source) => (path) => cpSync(source, path, { recursive: true });
/** A copy of a file with its bytes, or its JSON, changed. */
export const changed = (source, change) => (path) => writeFileSync(path, change(readFileSync(source)));
export const changedJson = (source, change) =>
  changed(source, (bytes) => JSON.stringify({ ...JSON.parse(bytes.toString()), ...change }));

/** Bytes with one bit of the byte at a position flipped; a negative position counts from the end. */
export function flipped(bytes, at, bit = 0) {
  const copied = Buffer.from(bytes);
  copied[at < 0 ? copied.length + at : at] ^= 1 << bit;
  return copied;
}

export const gz = (content) => gzipSync(content);

/** A gzip of `mebibytes` MiB of one byte: members of 16 MiB in a row, which unpack as one. */
export function gzipOf(mebibytes, byte = 0) {
  const member = gzipSync(Buffer.alloc(16 << 20, byte), { level: 9 });
  return Buffer.concat(new Array(mebibytes / 16).fill(member));
}

/** One member of a tar archive: its header (ustar) and its content. */
export function member(name, content = "", { type = "0", size, linkname = "", checksum } = {}) {
  const data = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${(size ?? data.length).toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(linkname, 157, 100, "utf8");
  header.write("ustar\u000000", 257);
  const sum = checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([header, data, padding]);
}

export const archiveEnd = Buffer.alloc(1024);

/** A tar archive of the base graph in the directory `graph`, between further members. */
export function tar({ before = [], after = [], splits = {}, end = archiveEnd } = {}) {
  const files = { "train.txt": train, "valid.txt": valid, "test.txt": test, ...splits };
  const members = Object.entries(files).map(([name, content]) => member(`graph/${name}`, content));
  return Buffer.concat([...before, ...members, ...after, end]);
}

/** A safetensors file of a header and data that need not agree. */
export function safetensors(header, data = Buffer.alloc(0)) {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

/** The header and the data of a safetensors file. */
export function opened(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  return { header: JSON.parse(bytes.subarray(8, 8 + length).toString()), data: bytes.subarray(8 + length) };
}
