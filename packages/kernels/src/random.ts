/**
 * A small seeded generator (SplitMix32-style mixing of a counter), for initial values and shuffles. Its state is one number, so that
 * a checkpoint can hold it. The kernels draw their negative samples by themselves.
 */
export class Random {
  #state: number;
  #spare: number | undefined;

  constructor(seed: number) {
    // Mixed twice, so that neighbouring seeds start far apart.
    this.#state = mix(mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32) + 0x9e3779b9));
  }

  /** Uniform over the 2^32 unsigned integers. */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** Uniform in [0, 1), with 32 bits. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Standard normal, by the polar method (Marsaglia & Bray 1964). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const s = x * x + y * y;
      if (s >= 1 || s === 0) continue;
      const f = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = y * f;
      return x * f;
    }
  }

  /** Permutes an array in place, every order equally likely (Fisher & Yates). */
  shuffle(values: Int32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      const swap = values[i]!;
      values[i] = values[j]!;
      values[j] = swap;
    }
  }
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
