/** Whether this is Node.js or a compatible runtime. Bundlers may give pages a `process` too, but without versions. */
export const isNode = typeof process === "object" && (process as Partial<NodeJS.Process>).versions?.node !== undefined;

/** The number of cores this process may use. */
export async function availableThreads(): Promise<number> {
  if (!isNode) return navigator.hardwareConcurrency;
  const { availableParallelism } = await import("node:os");
  return availableParallelism();
}
