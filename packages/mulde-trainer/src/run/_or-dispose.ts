/** What `make` returns. If it throws, for lack of memory say, what was made before is given back first. */
export function orDispose<T>(made: readonly { dispose(): void }[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    for (const part of made) part.dispose();
    throw error;
  }
}
