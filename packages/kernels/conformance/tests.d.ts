declare module "virtual:tests" {
  /** The test files of the bundle by name; the promise loads one. `build.js` writes this module. */
  export const tests: Readonly<Record<string, () => Promise<unknown>>>;
}
