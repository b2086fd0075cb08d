import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root, workspace } from "./_workspace.js";

interface Config {
  readonly test?: {
    readonly coverage?: { readonly enabled?: boolean; readonly thresholds?: { readonly lines?: number } };
  };
}

// Percent of the lines of src: what ranks, teaches and reads data is the most dangerous to get wrong in silence.
const floors: Readonly<Record<string, number>> = { "@mulde/senior": 95, "@mulde/eval": 95, "@mulde/datasets": 95 };
const usualFloor = 90;

it.each(workspace)("$manifest.name fails its tests below its floor of coverage", async ({ folder, manifest }) => {
  const file = pathToFileURL(join(root, folder, "vitest.config.ts")).href;
  const { default: config } = (await import(file)) as { default: Config };
  expect(config.test?.coverage?.enabled).toBe(process.env.MULDE_KERNELS === undefined);
  expect(config.test?.coverage?.thresholds?.lines ?? 0).toBeGreaterThanOrEqual(floors[manifest.name] ?? usualFloor);
});
