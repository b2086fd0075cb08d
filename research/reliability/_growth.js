// Whether memory stayed the same over a run of the soak.

// Growth that counts as noise whatever the scatter: compiled code and caches of the runtime, and pages that the allocator keeps.
const allowances = { heap: 512 * 1024, rss: 8 * 1024 * 1024 };

/**
 * Whether each measure of a run held, in the last half of its samples.
 *
 * @param run - `samples`: `{ step, kernels, tensors, tensorBytes, heap, rss }` each, in order; `left`: kernels' bytes and tensors that it left
 * @returns {{ engine: string, run: string, what: string, held: boolean, text: string }[]} one for each measure
 */
export function judged(engine, { name, samples, left }) {
  const half = samples.slice(Math.floor(samples.length / 2));
  const same = (what) => {
    const own = half.map((sample) => sample[what]);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    return { what, held: least === most, text: `from ${least} to ${most}` };
  };
  const noisy = (what) => {
    const { growth, scatter } = trend(
      half.map(({ step }) => step),
      half.map((sample) => sample[what]),
    );
    const noise = Math.max(allowances[what], 3 * scatter);
    return { what, held: growth <= noise, text: `grew by ${Math.round(growth)} bytes, noise ${Math.round(noise)}` };
  };
  const ended = {
    what: "left after the run",
    held: left.kernels === 0 && left.tensors === 0,
    text: JSON.stringify(left),
  };
  const all = [same("kernels"), same("tensors"), same("tensorBytes"), noisy("heap"), noisy("rss"), ended];
  console.error(`${engine}, ${name}: ${all.map(({ what, text }) => `${what} ${text}`).join("; ")}`);
  return all.map((outcome) => ({ engine, run: name, ...outcome }));
}

/** The rise of the least-squares line over all samples, and the root mean square of what is left beside the line. */
function trend(x, y) {
  const n = x.length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / n;
  const [mx, my] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  const slope = spread === 0 ? 0 : x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / spread;
  const scatter = Math.sqrt(mean(y.map((value, i) => (value - my - slope * (x[i] - mx)) ** 2)));
  return { growth: slope * (x.at(-1) - x[0]), scatter };
}
