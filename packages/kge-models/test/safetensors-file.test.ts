import { execFileSync } from "node:child_process";
import { link, mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeSafetensors, openSafetensors, writeSafetensors } from "../src/index.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mulde-tensors-"));
  path = join(directory, "x.safetensors");
});
afterEach(() => rm(directory, { recursive: true }));

/** A file by its header, with a length of its own. */
async function sparse(header: string, dataBytes: number): Promise<void> {
  const json = Buffer.from(header.padEnd(Math.ceil(header.length / 8) * 8));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([prefix, json]));
  await truncate(path, 8 + json.length + dataBytes);
}

const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i - length / 2);

describe("a file in pieces", () => {
  it("has the bytes of encodeSafetensors, and reads back, over several pieces", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(8)).fill(3);
    const tensors = {
      long: { shape: [1500, 1000], data: ramp(1_500_000) },
      int: { shape: [3], data: Int32Array.of(1, -2, 3) },
      double: { shape: [2], data: Float64Array.of(1 / 3, -1e300) },
      shared: { shape: [2], data: shared },
      view: { shape: [2], data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) },
      none: { shape: [0, 8], data: new Float32Array() },
      scalar: { shape: [], data: Float32Array.of(7) },
    };
    const metadata = { a: "b", checksum: "mine" };
    await writeSafetensors(path, tensors, metadata);
    expect((await readFile(path)).equals(encodeSafetensors(tensors, metadata))).toBe(true);
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual(metadata);
    expect(file.tensors.get("long")).toMatchObject({ dtype: "F32", shape: [1500, 1000] });
    const long = await file.read("long", new Float32Array(1_500_000));
    expect(Buffer.from(long.buffer).equals(Buffer.from(tensors.long.data.buffer))).toBe(true);
    expect(await file.read("int")).toEqual(tensors.int.data);
    expect(await file.read("double", new Float64Array(2))).toEqual(tensors.double.data);
    expect(await file.read("double")).toEqual(Float32Array.of(1 / 3, -Infinity));
    expect(await file.read("none")).toEqual(new Float32Array());
    expect(await file.read("scalar")).toEqual(Float32Array.of(7));
    expect(await file.read("view")).toEqual(Float32Array.of(1, 2));
    // Into memory that threads share, as kernels have it.
    const into = new Float32Array(new SharedArrayBuffer(8));
    expect([...(await file.read("shared", into))]).toEqual([3, 3]);
    // A checksum of somebody else's is none of ours.
    expect(await file.verify()).toBe(false);
    await file.close();
  });

  it("converts halves at the boundary of two pieces", async () => {
    const n = 3_000_001;
    await sparse(`{"h":{"dtype":"BF16","shape":[${n}],"data_offsets":[0,${2 * n}]}}`, 2 * n);
    const handle = await open(path, "r+");
    const at = (await handle.stat()).size - 2 * n;
    // 1.5 in the last value of the first piece, -1.5 in the first of the next, 2 in the last.
    await handle.write(Buffer.of(0xc0, 0x3f, 0xc0, 0xbf), 0, 4, at + (4 << 20) - 2);
    await handle.write(Buffer.of(0x00, 0x40), 0, 2, at + 2 * (n - 1));
    await handle.close();
    const file = await openSafetensors(path);
    const values = await file.read("h");
    const boundary = (4 << 20) / 2;
    expect([...values.subarray(boundary - 2, boundary + 2)]).toEqual([0, 1.5, -1.5, 0]);
    expect(values[n - 1]).toBe(2);
    await file.close();
  });

  it("is opened at any size: behind 4 GiB of zeros stand the values", async () => {
    const [far, bytes] = [2 ** 30 + 2 ** 20, 4 * (2 ** 30 + 2 ** 20)];
    await sparse(
      `{"far":{"dtype":"F32","shape":[${far}],"data_offsets":[0,${bytes}]},"x":{"dtype":"F32","shape":[2],"data_offsets":[${bytes},${bytes + 8}]}}`,
      bytes + 8,
    );
    const handle = await open(path, "r+");
    await handle.write(Buffer.from(Float32Array.of(5, 6).buffer), 0, 8, (await handle.stat()).size - 8);
    await handle.close();
    const file = await openSafetensors(path);
    expect(file.tensors.get("far")!.shape).toEqual([far]);
    expect(await file.read("x")).toEqual(Float32Array.of(5, 6));
    await file.close();
  });

  it("may hold tensors that cannot be converted, as long as nobody asks for them", async () => {
    const dtypes = ["I64", "BOOL", "U8", "F8_E4M3", "F4", "C64", "Q7_OF_THE_FUTURE"];
    const bytes = [16, 2, 2, 2, 1, 16, 5];
    let end = 0;
    const fields = dtypes.map((dtype, i) => {
      const start = end;
      end += bytes[i]!;
      return [dtype, { dtype, shape: [2], data_offsets: [start, end] }] as const;
    });
    const x = { dtype: "F32", shape: [1], data_offsets: [end, end + 4] };
    await sparse(JSON.stringify(Object.fromEntries([...fields, ["x", x]])), end + 4);
    const file = await openSafetensors(path);
    expect(await file.read("x")).toEqual(Float32Array.of(0));
    for (const dtype of dtypes) {
      expect(file.tensors.get(dtype)!.dtype).toBe(dtype);
      await expect(file.read(dtype)).rejects.toMatchObject({ code: "SAFETENSORS_DTYPE", file: path });
    }
    await file.close();
  });

  it("refuses a name that is not there, and an array of another length or kind", async () => {
    await writeSafetensors(path, {
      x: { shape: [2], data: Float32Array.of(1, 2) },
      i: { shape: [1], data: Int32Array.of(1) },
    });
    const file = await openSafetensors(path);
    for (const [name, into, code] of [
      ["y", undefined, "SAFETENSORS_TENSOR"],
      ["__proto__", undefined, "SAFETENSORS_TENSOR"],
      ["x", new Float32Array(3), "SAFETENSORS_SHAPE"],
      ["x", new Int32Array(2), "SAFETENSORS_DTYPE"],
      ["i", new Float32Array(1), "SAFETENSORS_DTYPE"],
    ] as const) {
      const read = into === undefined ? file.read(name) : file.read(name, into);
      await expect(read).rejects.toMatchObject({ name: "MuldeError", code, file: path });
    }
    await file.close();
  });
});

describe("opening", () => {
  it("refuses a file whose header claims 100 MB, and one of zeros, before it reads on", async () => {
    await writeFile(path, Buffer.of(0x00, 0xe1, 0xf5, 0x05, 0, 0, 0, 0, 0x7b));
    await truncate(path, 2300e6);
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: "SAFETENSORS_HEADER", file: path });
    await truncate(path, 0);
    await truncate(path, 2300e6);
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: "SAFETENSORS_HEADER", file: path });
  });

  it("refuses what is no file", async () => {
    await expect(openSafetensors(path)).rejects.toMatchObject({
      code: "SAFETENSORS_READ",
      file: path,
      reason: "there is no such file; check the path.",
    });
    await mkdir(path);
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: "SAFETENSORS_READ", file: path });
  });

  // Windows has no pipes among its files.
  it.skipIf(process.platform === "win32")("refuses a pipe, without waiting for its other end", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(openSafetensors(pipe)).rejects.toMatchObject({ code: "SAFETENSORS_READ", file: pipe });
  });

  it("names a file that becomes shorter while it is read", async () => {
    await writeSafetensors(path, { x: { shape: [2_000_000], data: ramp(2_000_000) } });
    const file = await openSafetensors(path);
    await truncate(path, 5_000_000);
    await expect(file.read("x")).rejects.toMatchObject({ code: "SAFETENSORS_READ", file: path });
    await file.close();
  });
});

describe("a checksum", () => {
  const tensors = { x: { shape: [3], data: ramp(3) }, y: { shape: [2], data: Int32Array.of(1, 2) } };
  const verified = async (): Promise<boolean> => {
    const file = await openSafetensors(path);
    try {
      return await file.verify();
    } finally {
      await file.close();
    }
  };

  it("is the SHA-256 of the file in which its digits are zeros, and notices every bit", async () => {
    // What stands in other strings is no checksum.
    const metadata = { note: `"checksum":"${"0".repeat(64)}"` };
    await writeSafetensors(path, tensors, metadata, { checksum: true });
    expect(await verified()).toBe(true);
    const bytes = await readFile(path);
    const file = await openSafetensors(path);
    expect(file.metadata).toMatchObject(metadata);
    await file.close();
    const { createHash } = await import("node:crypto");
    const zeroed = Buffer.from(bytes.toString("latin1").replace(file.metadata.checksum!, "0".repeat(64)), "latin1");
    expect(createHash("sha256").update(zeroed).digest("hex")).toBe(file.metadata.checksum);
    let opened = 0;
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i]! ^= 1 << (i % 8);
      await writeFile(path, flipped);
      try {
        expect(await verified()).toBe(false);
        opened++;
      } catch (error) {
        expect(error).toMatchObject({ name: "MuldeError", file: path });
      }
    }
    expect(opened).toBeGreaterThan(64 + 20);
  });

  it("is missing where none was asked for", async () => {
    await writeSafetensors(path, tensors);
    expect(await verified()).toBe(false);
  });

  it("is of the file that was opened, whatever takes its name meanwhile", async () => {
    await writeSafetensors(path, tensors, {}, { checksum: true });
    const file = await openSafetensors(path);
    await link(path, join(directory, "kept"));
    await writeSafetensors(path, { x: { shape: [1], data: ramp(1) } });
    expect(await file.verify()).toBe(true);
    expect(await file.read("x")).toEqual(tensors.x.data);
    await file.close();
  });
});
