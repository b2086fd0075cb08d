import { MuldeError } from "@mulde/errors";

/** How much may be unpacked from one file, every layer counted: a gzip, the archive in it, and a gzip in that. */
export interface UnpackLimits {
  /** Bytes in all. */
  readonly bytes: number;
  /** Unpacked bytes for each byte of the file, once `unrated` bytes are unpacked. */
  readonly ratio: number;
  readonly unrated: number;
}

export const UNPACK_LIMITS: UnpackLimits = {
  // The largest public graphs (Wikidata5M, Freebase) are below 4 GiB as text. More is a decompression bomb.
  bytes: 4 * 2 ** 30,
  // Deflate reaches 1032 on one repeated byte. Triples have 3 to 10, sorted N-Triples with long IRIs 30.
  ratio: 200,
  // So little is read in a blink, whatever its ratio: small files of much repetition are somebody's tests.
  unrated: 16 * 2 ** 20,
};

/** Counts what is unpacked from one file, and stops it at the limits. */
export class Budget {
  readonly #file: string;
  readonly #limits: UnpackLimits;
  #packed = 0;
  #unpacked = 0;

  constructor(file: string, limits = UNPACK_LIMITS) {
    this.#file = file;
    this.#limits = limits;
  }

  /** Tells how many bytes of the file itself were used so far. */
  used(packed: number): void {
    this.#packed = packed;
  }

  /** @throws MuldeError DATA_BOMB if these unpacked bytes are too many. */
  spend(bytes: number): void {
    this.#unpacked += bytes;
    const { bytes: most, ratio, unrated } = this.#limits;
    if (this.#unpacked > most) throw this.#bomb(`it unpacks to more than ${most} bytes`);
    if (this.#unpacked > unrated && this.#unpacked > ratio * this.#packed) {
      throw this.#bomb(`it unpacks to more than ${ratio} times its size, as no triples do`);
    }
  }

  #bomb(what: string): MuldeError {
    const reason = `${what}; if you trust the file, unpack it yourself and pass what is in it.`;
    return new MuldeError("DATA_BOMB", reason, { file: this.#file });
  }
}
