// How outcomes of _trained.js compare.

/**
 * How far models that different engines trained may be apart. Vectors of 4, 8 and 16 numbers add up in different orders, and WebAssembly rounds
 * a product before it adds it; so scores of one and the same model differ by about 1e-6. Training makes that more: where a gradient is
 * nothing but rounding, Adam still takes a step of full length, since it divides by the gradient's own size.
 * Measured after two epochs, as trials train: scores up to .0024 apart (root mean square of the differences, relative to that of the scores), MRR
 * up to .0012. After eight epochs: .013 and .0003.
 */
export const bounds = { scores: 0.01, mrr: 0.005 };

/** Names of the models whose files, metrics or scores differ in a single bit. */
export function differing(one, other) {
  const names = Object.keys({ ...one, ...other });
  return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
}

/** How far outcomes are apart, at most over the models: relative root mean square of the scores' differences, difference of MRR. */
export function distance(one, other) {
  const pairs = Object.keys({ ...one, ...other }).map((name) => [one[name], other[name]]);
  return {
    scores: Math.max(...pairs.map(([a, b]) => norm(a.scores.map((s, i) => s - b.scores[i])) / norm(a.scores))),
    mrr: Math.max(...pairs.map(([a, b]) => Math.abs(a.mrr - b.mrr))),
  };
}

/** Whether a distance keeps within the bounds; one that is NaN does not. */
export function within(apart) {
  return Object.entries(bounds).every(([what, bound]) => apart[what] <= bound);
}

function norm(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
