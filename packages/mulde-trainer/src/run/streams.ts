import { Random } from "@mulde/kernels";

/**
 * The random streams of a run, each for one use. Numbers from 0 up are the epochs' permutations. A value never changes: it decides what a
 * seed draws.
 */
const streams = {
  negatives: -1,
  randomCandidates: -2,
  validationSample: -3,
  validationNegatives: -4,
  initialValues: -5,
  plausibleQueries: -6,
  dropout: -7,
  bothEnds: -8,
  redraw: -9,
  neighbours: -10,
} as const;

export type Stream = keyof typeof streams;

/** The seed of a stream, or of an epoch's permutation. */
export function streamSeed(seed: number, stream: Stream | number): number {
  return seedOf(seed, typeof stream === "number" ? stream : streams[stream]);
}

/** A stream's generator for one step, counted from 0. */
export function streamAt(seed: number, stream: Stream, step: number): Random {
  // A product, so that the draws of these two stay what they were. Redraws of step 10 i - 1 start like the neighbours of step 9 i - 1, an earlier
  // step and another use; no others coincide. Dropout had a product too, and shared seeds with neighbours.
  if (stream === "redraw" || stream === "neighbours") return new Random(seedOf(seed, streams[stream] * (step + 1)));
  return new Random(seedOf(streamSeed(seed, stream), step));
}

/** The seed of a user's part, by its name. */
export function namedSeed(seed: number, name: string): number {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  // Beyond the epochs and the streams above.
  return seedOf(seed, 2 ** 32 + hash);
}

/** The generator of a user's part for one step. */
export function namedStreamAt(seed: number, name: string, step: number): Random {
  return new Random(seedOf(namedSeed(seed, name), step));
}

/** A seed for one of several independent uses of a run's seed. */
function seedOf(seed: number, use: number): number {
  // The product must stay below 2^53 to be exact, so greater seeds are mixed down to 32 bits first.
  const short = seed < 2 ** 32 ? seed : new Random(seed).uint32();
  return new Random(short * 1_000_003 + use).uint32();
}
