/** Whether this is Node.js or a runtime that does as it does. Bundlers put a `process` of their own, without versions, into pages. */
export const isNode = typeof process === "object" && (process as Partial<NodeJS.Process>).versions?.node !== undefined;

/** The cores that this process may use. */
export async function availableThreads(): Promise<number> {
  if (!isNode) return navigator.hardwareConcurrency;
  const { availableParallelism } = await import("node:os");
  return availableParallelism();
}
