// Stands in for `vitest` in the bundle: Vitest's own runner and `expect`, without what needs Node.
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  type ExpectStatic,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from "@vitest/expect";

// Messages tell whole values.
chai.config.truncateThreshold = 0;
for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

const asymmetric = (globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT];

export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  asymmetric,
) as ExpectStatic;

export { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@vitest/runner";
