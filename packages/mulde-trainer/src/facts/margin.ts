/**
 * Margin ranking loss (Bordes et al. 2013) over candidates B x K at a row stride, the true answer first: the mean over the batch of
 * sum over the negatives k of a_k max(0, margin - s_0 + s_k). The weights a_k are 1 / (K - 1), or for `adversarial` alpha > 0 the
 * self-adversarial softmax(alpha s) of the negatives (Sun et al. 2019), held constant. Writes dL/ds and returns the loss.
 */
export function marginLoss(
  batch: number,
  K: number,
  stride: number,
  scores: Float32Array,
  { margin, adversarial }: { readonly margin: number; readonly adversarial: number },
  gradient: Float32Array,
): number {
  let loss = 0;
  for (let b = 0; b < batch; b++) {
    const first = b * stride;
    const end = first + K;
    let top = -Infinity;
    for (let i = first + 1; i < end; i++) top = Math.max(top, scores[i]!);
    let sum = 0;
    for (let i = first + 1; i < end; i++) sum += adversarial > 0 ? Math.exp(adversarial * (scores[i]! - top)) : 1;
    let pull = 0;
    for (let i = first + 1; i < end; i++) {
      const weight = (adversarial > 0 ? Math.exp(adversarial * (scores[i]! - top)) : 1) / (sum * batch);
      const short = margin - scores[first]! + scores[i]!;
      // Not `short > 0`, so that a NaN reaches the loss.
      const active = !(short <= 0);
      gradient[i] = active ? weight : 0;
      if (!active) continue;
      loss += weight * short;
      pull += weight;
    }
    gradient[first] = -pull;
  }
  return loss;
}
