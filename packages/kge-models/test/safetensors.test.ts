import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors, MuldeError } from "../src/index.js";

/** A file by hand: 8 bytes of little-endian header length, the header padded with spaces to a multiple of 8, the data. */
function file(header: string, data: readonly number[] = [], pad = true): Uint8Array {
  const padded = pad ? header.padEnd(Math.ceil(header.length / 8) * 8) : header;
  const json = [...new TextEncoder().encode(padded)];
  const length = Array.from({ length: 8 }, (_, i) => (i < 4 ? (json.length >>> (8 * i)) & 0xff : 0));
  return Uint8Array.from([...length, ...json, ...data]);
}

function codeOf(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes, "some/model.safetensors");
  } catch (error) {
    expect(error).toBeInstanceOf(MuldeError);
    expect((error as MuldeError).message).toContain("some/model.safetensors");
    return (error as MuldeError).code;
  }
  return "decoded";
}

describe("encodeSafetensors", () => {
  it("writes the bytes that Python's safetensors writes", () => {
    const bytes = encodeSafetensors(
      {
        b: { shape: [2], data: Int32Array.of(1, -2) },
        a: { shape: [1, 2], data: Float32Array.of(1.5, -2) },
        w: { shape: [], data: Float64Array.of(0.5) },
      },
      { format: "pt" },
    );
    const header =
      '{"__metadata__":{"format":"pt"},"w":{"dtype":"F64","shape":[],"data_offsets":[0,8]},' +
      '"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"b":{"dtype":"I32","shape":[2],"data_offsets":[16,24]}}';
    const data = [
      [0, 0, 0, 0, 0, 0, 0xe0, 0x3f],
      [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0],
      [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
    ];
    expect([...bytes]).toEqual([...file(header, data.flat())]);
  });

  it("begins the data at a multiple of 8, whatever the names' lengths", () => {
    for (let length = 1; length < 20; length++) {
      const bytes = encodeSafetensors({ ["é".repeat(length)]: { shape: [1], data: Float32Array.of(1) } });
      expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
      expect(bytes[8]).toBe("{".charCodeAt(0));
    }
  });

  it("refuses a shape that does not fit, and the reserved name", () => {
    const data = new Float32Array(6);
    for (const shape of [[2, 2], [7], [-2, -3], [1.5, 4], []]) {
      expect(() => encodeSafetensors({ x: { shape, data } })).toThrow(/"x" has 6 values/);
    }
    expect(() => encodeSafetensors({ __metadata__: { shape: [6], data } })).toThrow(MuldeError);
  });

  it("reads typed arrays over shared memory and views into larger ones", () => {
    const shared = new Float32Array(new SharedArrayBuffer(16)).fill(3);
    const view = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const bytes = encodeSafetensors({ shared: { shape: [4], data: shared }, view: { shape: [2], data: view } });
    const { tensors } = decodeSafetensors(bytes, "x");
    expect([...tensors.shared!.data]).toEqual([3, 3, 3, 3]);
    expect([...tensors.view!.data]).toEqual([1, 2]);
  });
});

describe("decodeSafetensors", () => {
  it("reads back what was written, names, shapes, values and metadata", () => {
    const tensor = fc.oneof(
      fc.float32Array({ maxLength: 12 }),
      fc.int32Array({ maxLength: 12 }),
      fc.float64Array({ maxLength: 12 }),
    );
    const names = fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__");
    const strings = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(names, tensor)), strings, (list, metadata) => {
        const tensors = Object.fromEntries(list.map(([name, data]) => [name, { shape: [data.length, 1], data }]));
        const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata), "x", { keepFloat64: true });
        expect(Object.keys(decoded.tensors).sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, { shape, data }] of Object.entries(tensors)) {
          expect(decoded.tensors[name]!.shape).toEqual(shape);
          expect(decoded.tensors[name]!.data).toEqual(data);
        }
        expect(decoded.metadata).toEqual(metadata);
      }),
    );
  });

  it("keeps a tensor called __proto__ a tensor", () => {
    const tensors = Object.fromEntries([["__proto__", { shape: [1], data: Float32Array.of(4) }]]);
    const decoded = decodeSafetensors(encodeSafetensors(tensors), "x");
    expect(new Map(Object.entries(decoded.tensors)).get("__proto__")!.data[0]).toBe(4);
  });

  it("reads F16, BF16 and F64 as float32", () => {
    const header =
      '{"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},' +
      '"d":{"dtype":"F64","shape":[1],"data_offsets":[16,24]}}';
    // 1, -2, the largest half, the smallest subnormal, -infinity, NaN; 1.5 and -0.0078125; one third.
    const halves = [0x3c00, 0xc000, 0x7bff, 0x0001, 0xfc00, 0x7e00, 0x3fc0, 0xbc00].flatMap((x) => [x & 0xff, x >> 8]);
    const third = [...new Uint8Array(Float64Array.of(1 / 3).buffer)];
    const { tensors } = decodeSafetensors(file(header, [...halves, ...third]), "x");
    expect(tensors.h!.data).toEqual(Float32Array.of(1, -2, 65504, 2 ** -24, -Infinity, NaN));
    expect(tensors.b!.data).toEqual(Float32Array.of(1.5, -0.0078125));
    expect(tensors.d!.data).toEqual(Float32Array.of(1 / 3));
    expect(tensors.d!.dtype).toBe("F64");
  });

  it("is a view of the bytes where they are aligned, and a copy elsewhere", () => {
    const bytes = encodeSafetensors({ x: { shape: [2], data: Float32Array.of(1, 2) } });
    expect(decodeSafetensors(bytes, "x").tensors.x!.data.buffer).toBe(bytes.buffer);
    // Buffers are Uint8Arrays whose slice() does not copy.
    const shifted = Buffer.alloc(bytes.length + 1);
    shifted.set(bytes, 1);
    const { data } = decodeSafetensors(shifted.subarray(1), "x").tensors.x!;
    expect([...data]).toEqual([1, 2]);
    expect(data.buffer).not.toBe(shifted.buffer);
  });

  it("accepts a header that is not padded, and an empty file of no tensors", () => {
    const unpadded = file('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', [0, 0, 128, 63], false);
    expect([...decodeSafetensors(unpadded, "x").tensors.x!.data]).toEqual([1]);
    expect(decodeSafetensors(file("{}"), "x")).toEqual({ tensors: {}, metadata: {} });
  });

  const x = (fields: string): string => `{"x":{${fields}}}`;
  it.each([
    ["nothing", new Uint8Array(), "SAFETENSORS_TRUNCATED"],
    ["a length cut off", Uint8Array.of(1, 0, 0), "SAFETENSORS_TRUNCATED"],
    ["a header past the end", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123, 125), "SAFETENSORS_TRUNCATED"],
    ["a header of 2^63 bytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125), "SAFETENSORS_HEADER"],
    ["text that is not JSON", file("hello"), "SAFETENSORS_HEADER"],
    ["a JSON array", file("[1]"), "SAFETENSORS_HEADER"],
    ["bytes that are not UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28), "SAFETENSORS_HEADER"],
    ["a tensor that is no object", file('{"x":3}'), "SAFETENSORS_HEADER"],
    ["metadata that are no strings", file('{"__metadata__":{"a":1}}'), "SAFETENSORS_HEADER"],
    ["an unknown dtype", file(x('"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]'), [0]), "SAFETENSORS_DTYPE"],
    [
      "a dtype from the prototype",
      file(x('"dtype":"constructor","shape":[0],"data_offsets":[0,0]')),
      "SAFETENSORS_DTYPE",
    ],
    ["no dtype", file(x('"shape":[0],"data_offsets":[0,0]')), "SAFETENSORS_DTYPE"],
    [
      "a tensor twice",
      file(
        '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        [0, 0, 0, 0],
      ),
      "SAFETENSORS_HEADER",
    ],
    [
      "a tensor twice, once escaped",
      file(
        '{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0078" :{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
      "SAFETENSORS_HEADER",
    ],
    ["a field twice", file(x('"dtype":"F32","dtype":"I32","shape":[0],"data_offsets":[0,0]')), "SAFETENSORS_HEADER"],
    ["metadata twice", file('{"__metadata__":{"a":"1","a":"2"}}'), "SAFETENSORS_HEADER"],
    ["deep nesting", file(`{"x":${"[".repeat(100_000)}`), "SAFETENSORS_HEADER"],
    ["a string without an end", file('{"x'), "SAFETENSORS_HEADER"],
    ["a bad escape in a name", file('{"\\u00":{}}'), "SAFETENSORS_HEADER"],
    [
      "a size above 2^53",
      file(x('"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,0]')),
      "SAFETENSORS_SHAPE",
    ],
    [
      "sizes whose product is above 2^53",
      file(x('"dtype":"U8","shape":[3037000500,3037000500],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      "SAFETENSORS_SHAPE",
    ],
    [
      "such sizes, with a zero behind",
      file(x('"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]')),
      "SAFETENSORS_SHAPE",
    ],
    ["a negative offset", file(x('"dtype":"F32","shape":[0],"data_offsets":[-4,-4]')), "SAFETENSORS_OFFSETS"],
    ["a fractional offset", file(x('"dtype":"F32","shape":[0],"data_offsets":[0.5,0.5]')), "SAFETENSORS_OFFSETS"],
    ["a huge offset", file(x('"dtype":"F32","shape":[0],"data_offsets":[1e15,1e15]')), "SAFETENSORS_OFFSETS"],
    ["an offset without bounds", file(x('"dtype":"F32","shape":[0],"data_offsets":[0,1e999]')), "SAFETENSORS_OFFSETS"],
    ["a negative size", file(x('"dtype":"F32","shape":[-1],"data_offsets":[0,0]')), "SAFETENSORS_SHAPE"],
    [
      "a fractional size",
      file(x('"dtype":"F32","shape":[0.5,2],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      "SAFETENSORS_SHAPE",
    ],
    ["no shape", file(x('"dtype":"F32","data_offsets":[0,4]'), [0, 0, 0, 0]), "SAFETENSORS_SHAPE"],
    ["a shape too large", file(x('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), [0, 0, 0, 0]), "SAFETENSORS_SHAPE"],
    ["offsets the wrong way round", file(x('"dtype":"F32","shape":[0],"data_offsets":[4,0]')), "SAFETENSORS_OFFSETS"],
    ["one offset", file(x('"dtype":"F32","shape":[0],"data_offsets":[0]')), "SAFETENSORS_OFFSETS"],
    ["data cut off", file(x('"dtype":"F32","shape":[1],"data_offsets":[0,4]'), [0, 0]), "SAFETENSORS_TRUNCATED"],
    [
      "data left over",
      file(x('"dtype":"F32","shape":[1],"data_offsets":[0,4]'), [0, 0, 0, 0, 0]),
      "SAFETENSORS_OFFSETS",
    ],
    [
      "a hole",
      file(x('"dtype":"F32","shape":[1],"data_offsets":[4,8]'), [0, 0, 0, 0, 0, 0, 0, 0]),
      "SAFETENSORS_OFFSETS",
    ],
    [
      "an overlap",
      file(
        '{"x":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}',
        [0, 0, 0, 0],
      ),
      "SAFETENSORS_OFFSETS",
    ],
  ])("refuses %s, naming the file", (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  it("refuses a header of 100 MB before it reads it", () => {
    const bytes = new Uint8Array(100_000_000);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(bytes)).toBe("SAFETENSORS_HEADER");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
    const metadata = { long: "x".repeat(5 << 20) };
    expect(() => encodeSafetensors({}, metadata)).toThrow(expect.objectContaining({ code: "SAFETENSORS_HEADER" }));
  });

  it("keeps messages short, whatever the names and shapes", () => {
    const name = "n".repeat(100_000);
    const shape = new Array<number>(100_000).fill(1);
    const field = (dtype: string): string => JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, 8] } });
    for (const dtype of ["F32", "F16", "I64"]) {
      try {
        decodeSafetensors(file(field(dtype), [0, 0, 0, 0, 0, 0, 0, 0]), "m");
        expect.unreachable();
      } catch (error) {
        expect((error as MuldeError).message.length).toBeLessThan(500);
      }
    }
  });

  it("never fails with anything but a MuldeError on damaged files", () => {
    const good = encodeSafetensors(
      { a: { shape: [2, 2], data: new Float32Array(4) }, b: { shape: [1], data: Float64Array.of(1) } },
      { format: "pt" },
    );
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    let refused = 0;
    fc.assert(
      fc.property(flips, fc.nat(good.length), (changes, length) => {
        const bytes = good.slice();
        for (const [at, mask] of changes) bytes[at]! ^= mask;
        if (codeOf(bytes) !== "decoded") refused++;
        if (length < good.length) expect(codeOf(good.subarray(0, length))).not.toBe("decoded");
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(300);
  });
});
