/** Seeded values for tests; vectors are rounded to float32, so that both sides of a comparison start from the same numbers. */
export class Random {
  constructor(private state: number) {}

  /** Uniform in [0, 1), from a 32-bit multiply-xorshift generator. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** A vector of length `length` in a random direction. */
  vector(dim: number, length: number): number[] {
    const direction = Array.from({ length: dim }, () => this.normal());
    const scale = length / Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
    return direction.map((x) => Math.fround(x * scale));
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }
}
