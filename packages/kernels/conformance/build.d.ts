/** Test files that are not in the bundle, and why. */
export const excluded: Readonly<Record<string, string>>;
/** The test files that are in the bundle. */
export const included: readonly string[];
/** Fills the folder with the bundle and what it needs. */
export function buildConformance(folder: string): Promise<void>;
