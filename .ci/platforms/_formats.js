// What a native addon needs of its system and what it gives, read from the file itself.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A tool's lines. */
function lines(tool, args) {
  return execFileSync(tool, args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" }, maxBuffer: 1 << 26 }).split(
    "\n",
  );
}

/** Linux: libraries, symbols, the versions of glibc that they ask for, and whether it stays loaded. */
export function readElf(file) {
  const dynamic = lines("readelf", ["-dW", file]);
  const symbols = lines("readelf", ["-W", "--dyn-syms", file])
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => /^\d+:$/.test(fields[0]) && fields.length >= 8)
    .map((fields) => ({ name: fields[7].replace(/@.*/, ""), needed: fields[6] === "UND" }));
  const [, machine] = /Machine:\s+(.*)/.exec(lines("readelf", ["-hW", file]).join("\n"));
  const versions = lines("readelf", ["-VW", file]).flatMap((line) => line.match(/GLIBC\w*_[\d.]+/g) ?? []);
  return {
    machine,
    libraries: dynamic.flatMap((line) => /NEEDED.*\[(.*)\]/.exec(line)?.[1] ?? []),
    stays: dynamic.some((line) => /FLAGS_1.*NODELETE/.test(line)),
    needs: symbols.filter(({ needed }) => needed).map(({ name }) => name),
    gives: symbols.filter(({ needed }) => !needed).map(({ name }) => name),
    versions: [...new Set(versions)],
  };
}

/** Windows: what it imports from which library, and what it gives. */
export function readPe(file) {
  const imports = {};
  let library;
  const gives = [];
  const output = lines("objdump", ["-p", file]);
  for (const line of output) {
    library = /DLL Name: (\S+)/.exec(line)?.[1].toLowerCase() ?? library;
    const name = /^\s+[0-9a-f]+\s+\d+\s+(\w+)$/.exec(line)?.[1];
    if (library !== undefined && name !== undefined) (imports[library] ??= []).push(name);
    const given = /^\s+\[\s*\d+\] (?:\+base\[\s*\d+\]\s+(?:[0-9a-f]+ )?)?([a-z]\w+)$/.exec(line)?.[1];
    if (given !== undefined) gives.push(given);
  }
  const [, machine] = /file format (\S+)/.exec(output.join("\n"));
  return { machine, imports, gives };
}

const kinds = { 0x01000007: "x64", 0x0100000c: "arm64" };
const command = { symbols: 0x2, library: 0xc, ownName: 0xd, signature: 0x1d, bindings: 0x22, buildVersion: 0x32 };
// Of a symbol's type: where it is defined, which is nowhere (0) or in a section; that it is seen from outside; that it is a debugger's.
const [place, inSection, outside, debug] = [0x0e, 0x0e, 0x01, 0xe0];

/** macOS: libraries, the oldest system, its signature; symbols that it gives; those that it needs, each with the number of its library. */
export function readMachO(file) {
  const bytes = readFileSync(file);
  if (bytes.readUInt32LE(0) !== 0xfeedfacf) throw new Error(`${file} is no 64-bit Mach-O file`);
  const text = (at) => bytes.toString("latin1", at, bytes.indexOf(0, at));
  const found = { machine: kinds[bytes.readUInt32LE(4)], libraries: [], signed: false, needs: {}, gives: [] };
  let at = 32;
  for (let i = 0; i < bytes.readUInt32LE(16); i++, at += bytes.readUInt32LE(at + 4)) {
    const field = (number) => bytes.readUInt32LE(at + 8 + 4 * number);
    // The uppermost bit says that the loader has to know the command.
    const kind = bytes.readUInt32LE(at) & 0xff;
    if (kind === command.library) found.libraries.push(text(at + field(0)));
    if (kind === command.ownName) found.name = text(at + field(0));
    if (kind === command.signature) found.signed = true;
    if (kind === command.buildVersion) found.oldest = field(1) >> 16;
    if (kind === command.symbols) found.gives = exported(bytes, text, [field(0), field(1), field(2)]);
    // After two fields on relocation: those bound at once, those that may be weak, those bound when called.
    if (kind === command.bindings) {
      for (const n of [2, 6]) Object.assign(found.needs, bound(bytes.subarray(field(n), field(n) + field(n + 1))));
    }
  }
  return found;
}

function exported(bytes, text, [table, count, names]) {
  const entries = Array.from({ length: count }, (_, i) => table + 16 * i);
  const given = entries.filter((entry) => {
    const type = bytes.readUInt8(entry + 4);
    return (type & debug) === 0 && (type & outside) !== 0 && (type & place) === inSection;
  });
  return given.map((entry) => text(names + bytes.readUInt32LE(entry)).replace(/^_/, ""));
}

/** Runs the little program by which the loader binds symbols: their names, and the number of the library that has each, or -2 for any. */
function bound(program) {
  const found = {};
  let library = 0;
  let name = "";
  let at = 0;
  const bind = () => (found[name] = library);
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = program[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const set = {
    0x10: (value) => (library = value),
    0x20: () => (library = number()),
    0x30: (value) => (library = value === 0 ? 0 : value - 16),
    0x40: () => {
      const end = program.indexOf(0, at);
      name = program.toString("latin1", at, end).replace(/^_/, "");
      at = end + 1;
    },
    // An addend, a place, a step: of no interest here.
    0x60: number,
    0x70: number,
    0x80: number,
    0x90: bind,
    0xa0: () => (bind(), number()),
    0xb0: bind,
    0xc0: () => (bind(), number(), number()),
  };
  while (at < program.length) {
    const code = program[at++];
    set[code & 0xf0]?.(code & 0x0f);
  }
  return found;
}
