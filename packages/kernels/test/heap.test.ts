import { describe, expect, it } from "vitest";
import { Heap } from "../src/_heap.js";
import type { MuldeError } from "../src/index.js";

describe("the heap of the WebAssembly memory", () => {
  // Pages of 64 KiB: from 256 KiB to 32 MiB.
  const make = () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 512, shared: true });
    return { memory, heap: new Heap(memory, 1000) };
  };

  it("allocates zeroed, aligned blocks that do not overlap", () => {
    const { heap } = make();
    const blocks = [1, 64, 65, 1000, 0].map((bytes) => ({ bytes, at: heap.allocate(bytes) }));
    for (const { at, bytes } of blocks) {
      expect(at % 64).toBe(0);
      expect(at).toBeGreaterThanOrEqual(1000);
      new Uint8Array(heap.buffer, at, bytes).fill(0xff);
    }
    const spans = blocks
      .map(({ at, bytes }) => [at, at + Math.max(64, Math.ceil(bytes / 64) * 64)] as const)
      .sort((x, y) => x[0] - y[0]);
    spans.slice(1).forEach(([start], i) => expect(start).toBeGreaterThanOrEqual(spans[i]![1]));
    for (const { at } of blocks) heap.release(at);
    const again = heap.allocate(1000);
    expect(new Uint8Array(heap.buffer, again, 1000).every((byte) => byte === 0)).toBe(true);
  });

  it("merges blocks freed in any order", () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [0, 2, 1],
      [1, 0, 2],
    ]) {
      const { heap, memory } = make();
      const blocks = [60_000, 60_000, 60_000].map((bytes) => heap.allocate(bytes));
      for (const i of order) heap.release(blocks[i]!);
      expect(heap.allocate(180_000)).toBe(blocks[0]);
      expect(memory.buffer.byteLength).toBe(4 * 65_536);
    }
  });

  it("ignores addresses that are not allocated", () => {
    const { heap } = make();
    const a = heap.allocate(64);
    heap.release(a);
    heap.release(a);
    heap.release(12_345);
    expect(heap.allocate(64)).toBe(a);
    expect(heap.allocate(64)).not.toBe(a);
  });

  it("still owns views of earlier buffers after it grows", () => {
    const { heap } = make();
    const before = new Float32Array(heap.buffer, heap.allocate(400), 100).fill(1);
    const old = heap.buffer;
    const after = new Float32Array(heap.buffer, heap.allocate(4), 1);
    const large = heap.allocate(10 << 20);
    expect(heap.buffer.byteLength).toBeGreaterThan(10 << 20);
    expect(heap.buffer).not.toBe(old);
    expect([before, after].every((view) => heap.owns(view))).toBe(true);
    expect(heap.owns(new Float32Array(100))).toBe(false);
    new Float32Array(heap.buffer)[before.byteOffset / 4] = 5;
    expect(before[0]).toBe(5);
    heap.release(large);
    expect(heap.allocate(10 << 20)).toBe(large);
  });

  it("reports a full memory", () => {
    const { heap } = make();
    expect(() => heap.allocate(64 << 20)).toThrow(
      expect.objectContaining({ name: "MuldeError", code: "KERNELS_OUT_OF_MEMORY" }) as MuldeError,
    );
    expect(heap.allocate(1000)).toBeGreaterThan(0);
  });
});
