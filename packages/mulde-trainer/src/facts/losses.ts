/** The losses of the facts, by name. */
export const losses = ["bce", "crossEntropy", "margin", "1vsAll", "KvsAll", "KvsAllSoftmax"] as const;
export type Loss = (typeof losses)[number];

/** Whether a loss goes over all entities, so that nothing is sampled. */
export function overAllEntities(loss: Loss): boolean {
  return loss === "1vsAll" || ofAllAnswers(loss);
}

/** Whether a loss takes all known answers of a query at once, so that an epoch goes over distinct queries. */
export function ofAllAnswers(loss: Loss): boolean {
  return loss === "KvsAll" || loss === "KvsAllSoftmax";
}
