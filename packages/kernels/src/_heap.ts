import { MuldeError } from "@mulde/errors";

const page = 65_536;
// Blocks start on cache lines: aligned vectors never straddle two.
const alignment = 64;

/** A first-fit allocator over the memory of the WebAssembly kernels. The memory grows when it is full. */
export class Heap {
  readonly #memory: WebAssembly.Memory;
  // Growth replaces `memory.buffer`; views of earlier buffers stay valid if the memory is shared.
  readonly #buffers = new WeakSet<ArrayBufferLike>();
  readonly #sizes = new Map<number, number>();
  /** Free blocks [address, size], by ascending address. */
  #free: [number, number][];

  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory;
    this.#buffers.add(memory.buffer);
    const start = Math.ceil(base / alignment) * alignment;
    this.#free = [[start, memory.buffer.byteLength - start]];
  }

  get buffer(): ArrayBufferLike {
    return this.#memory.buffer;
  }

  /** A view of `length` bytes. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, address, length);
  }

  /** Whether a view is in this memory. Its byte offset is then its address. */
  owns(view: ArrayBufferView): boolean {
    return this.#buffers.has(view.buffer);
  }

  /** Allocates zeroed bytes and returns their address. */
  allocate(bytes: number): number {
    const address = this.reserve(bytes);
    new Uint8Array(this.buffer, address, this.#sizes.get(address)).fill(0);
    return address;
  }

  /** Allocates bytes that the caller will overwrite. */
  reserve(bytes: number): number {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    let at = this.#free.findIndex(([, room]) => room >= size);
    if (at < 0) {
      this.#grow(size);
      at = this.#free.length - 1;
    }
    const block = this.#free[at]!;
    const address = block[0];
    if (block[1] === size) this.#free.splice(at, 1);
    else this.#free[at] = [address + size, block[1] - size];
    this.#sizes.set(address, size);
    return address;
  }

  /** Whether a view is in this memory and overlaps a free block. */
  isFree(view: unknown): boolean {
    if (!ArrayBuffer.isView(view) || view.byteLength === 0 || !this.owns(view)) return false;
    const [begin, end] = [view.byteOffset, view.byteOffset + view.byteLength];
    let [low, high] = [0, this.#free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const [address, size] = this.#free[middle]!;
      if (address + size <= begin) low = middle + 1;
      else high = middle;
    }
    const block = this.#free[low];
    return block !== undefined && block[0] < end;
  }

  release(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) return;
    this.#sizes.delete(address);
    let at = this.#free.findIndex(([other]) => other > address);
    if (at < 0) at = this.#free.length;
    this.#free.splice(at, 0, [address, size]);
    for (const left of [at, at - 1]) {
      const a = this.#free[left];
      const b = this.#free[left + 1];
      if (a === undefined || b === undefined) continue;
      if (a[0] + a[1] === b[0]) this.#free.splice(left, 2, [a[0], a[1] + b[1]]);
    }
  }

  #grow(size: number): void {
    const end = this.buffer.byteLength;
    const [start, room] = this.#free.at(-1) ?? [end, 0];
    const tail = start + room === end ? room : 0;
    // Each growth makes a new buffer object, so grow by at least 16 MiB.
    const pages = Math.max(256, Math.ceil((size - tail) / page));
    try {
      this.#memory.grow(pages);
    } catch (cause) {
      throw new MuldeError(
        "KERNELS_OUT_OF_MEMORY",
        `WebAssembly memory is limited to 4 GiB, and ${size} more bytes do not fit. Use the native kernels, a smaller batch or a smaller model.`,
        { cause },
      );
    }
    this.#buffers.add(this.buffer);
    const grown = this.buffer.byteLength - end;
    if (tail > 0) this.#free.at(-1)![1] += grown;
    else this.#free.push([end, grown]);
  }
}
