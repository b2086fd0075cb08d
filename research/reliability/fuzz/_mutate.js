/* global structuredClone */
// Mutations of bytes and of JSON-like values, all from one seed.

/** Mulberry32: small, and the same on every machine. */
export function randomOf(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(uniform() * n);
  return { uniform, below, pick: (list) => list[below(list.length)] };
}

const bytesOfInterest = [
  ...[
    "\0",
    "\n",
    "\r",
    "\t",
    " ",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "<",
    ">",
    ".",
    "-",
    "#",
    "&x ",
    "*x",
    "<<: ",
    "\ufeff",
  ],
  ...["\u202e", "\u001b[2J", "NaN", "1e999", "-0", "0x10", "9007199254740993", "__proto__", "null", "true", "..", "/"],
].map((text) => Buffer.from(text));
const wild = [
  Buffer.of(0xff),
  Buffer.of(0xc0, 0xaf),
  Buffer.of(0x1f, 0x8b),
  Buffer.alloc(512),
  Buffer.alloc(64, 0x80),
  Buffer.alloc(3000, 0x41),
];

/** Bytes with one to four mutations. */
export function mutateBytes(bytes, random) {
  let out = Buffer.from(bytes);
  for (let n = 1 + random.below(4); n > 0; n--) out = random.pick(byteMutations)(out, random);
  return out;
}

const replaced = (bytes, from, to, middle) => Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
const place = (bytes, random) => random.below(bytes.length + 1);
const stretch = (bytes, random) => {
  const from = place(bytes, random);
  return [from, Math.min(bytes.length, from + 1 + random.below(random.pick([2, 16, 256, 4096])))];
};
const byteMutations = [
  (bytes, random) => {
    const out = Buffer.from(bytes);
    if (out.length > 0) out[random.below(out.length)] ^= 1 << random.below(8);
    return out;
  },
  (bytes, random) => {
    const out = Buffer.from(bytes);
    // Headers are at the beginning: half of all damage goes there.
    if (out.length > 0) out[random.below(Math.min(out.length, 64))] = random.below(256);
    return out;
  },
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => bytes.subarray(place(bytes, random)),
  (bytes, random) => replaced(bytes, ...stretch(bytes, random), Buffer.alloc(0)),
  (bytes, random) => {
    const at = place(bytes, random);
    return replaced(bytes, at, at, random.pick(random.below(4) === 0 ? wild : bytesOfInterest));
  },
  (bytes, random) => {
    const [from, to] = stretch(bytes, random);
    return replaced(bytes, from, to, random.pick(bytesOfInterest));
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return replaced(bytes, at, at, bytes.subarray(...stretch(bytes, random)));
  },
  (bytes, random) => {
    const [[a, b], [c, d]] = [stretch(bytes, random), stretch(bytes, random)];
    return b <= c ? replaced(replaced(bytes, c, d, bytes.subarray(a, b)), a, b, bytes.subarray(c, d)) : bytes;
  },
];

const values = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1,
    2,
    3,
    0.5,
    1e-300,
    1e300,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    2 ** 53,
    -(2 ** 31),
  ],
  ...["", " ", "0", "1", "NaN", "RotH", "ComplEx", "adam", "all", "__proto__", "\u001b[2J", "\u202e", "x".repeat(5000)],
  ...[[], {}, [[]], [null], { name: 1 }, [1, 2, 3], { length: 3 }],
];

/** A value with one to three of its parts replaced, removed, doubled, renamed or swapped. */
export function mutateValue(value, random) {
  const out = structuredClone(value);
  const holder = { value: out };
  for (let n = 1 + random.below(3); n > 0; n--) mutateSomewhere(holder, random);
  return holder.value;
}

function mutateSomewhere(holder, random) {
  const spots = [];
  const visit = (parent, depth) => {
    if (depth > 12) return;
    for (const key of Object.keys(parent)) {
      spots.push([parent, key]);
      const below = parent[key];
      if (typeof below === "object" && below !== null && !ArrayBuffer.isView(below)) visit(below, depth + 1);
    }
  };
  visit(holder, 0);
  // The whole stays what it is: the calls' own arguments are in it.
  const inner = spots.filter(([parent]) => parent !== holder);
  if (inner.length === 0) return;
  const [parent, key] = random.pick(inner);
  const [other, otherKey] = random.pick(inner);
  switch (random.below(6)) {
    case 0:
      Reflect.deleteProperty(parent, key);
      break;
    case 1:
      if (!isWithin(parent[key], other)) other[otherKey] = structuredClone(parent[key]);
      break;
    case 2:
      if (!Array.isArray(parent)) parent[random.pick(["dim", "name", "from", "count", "x", "toString"])] = parent[key];
      break;
    case 3:
      if (ArrayBuffer.isView(parent[key]) && parent[key].length > 0)
        parent[key][random.below(parent[key].length)] = random.pick([-1, 99, 2 ** 31 - 1, NaN, 1e30]);
      else parent[key] = random.pick(values);
      break;
    default:
      parent[key] = random.pick(values);
  }
}

function isWithin(value, target) {
  if (value === target) return true;
  return (
    typeof value === "object" &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    Object.values(value).some((inner) => isWithin(inner, target))
  );
}
