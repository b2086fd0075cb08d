// A container runs the command as a user whom the system does not list, and sets no HOME.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { able } from "./_able.js";
import { mulde, muldeJson, type RunOptions, temporary } from "./_cli.js";
import { quick, splits, type TrainAnswer, writeGraph } from "./_graph.js";

const stranger = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"];
const [setpriv, ...words] = stranger;
const possible = able(
  "Running as a user whom the system does not list (root, setpriv)",
  setpriv!,
  ...words,
  process.execPath,
  "-e",
  "0",
);

describe.skipIf(!possible)("without HOME, as a user whom the system does not list", () => {
  let folder: string;
  let data: string;
  let options: RunOptions;
  beforeAll(() => {
    data = writeGraph();
    folder = temporary();
    chmodSync(dirname(data), 0o755);
    chmodSync(folder, 0o777);
    options = { through: stranger, cwd: folder, env: { HOME: undefined, XDG_CACHE_HOME: undefined } };
  });

  test("info says which engines run, and why there is no cache", async () => {
    expect(await muldeJson(["info"], options)).toMatchObject({
      datasets: null,
      datasetsReason: expect.stringContaining("set XDG_CACHE_HOME to an absolute path") as string,
      node: process.version,
    });
    expect(await mulde(["info"], options)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^datasets +none$/m) as string,
    });
  });

  test("train, evaluate and predict work, on a directory and on the data set that comes along", async () => {
    const out = join(folder, "model");
    const { test: metrics } = await muldeJson<TrainAnswer>(
      ["train", "--model", "TransE", "--dim", "8", "--data", data, "--out", out, ...quick],
      options,
    );
    const evaluated = await muldeJson<{ mrr: number }>(["evaluate", out, "--data", data], options);
    expect(evaluated.mrr).toBe(metrics.mrr);
    const [[head, relation] = []] = splits.test;
    const asked = ["predict", out, "--head", head!, "--relation", relation!];
    expect(await muldeJson(asked, options)).toMatchObject({ predictions: expect.any(Array) as unknown[] });
    expect(await muldeJson(["datasets", "info", "wordnet31-small"], options)).toMatchObject({ embedded: true });
  });

  test("a download says which variable to set, and works with it", async () => {
    const mirror = temporary();
    chmodSync(mirror, 0o755);
    mkdirSync(join(mirror, "codex-s"));
    for (const split of ["train", "valid", "test"]) writeFileSync(join(mirror, "codex-s", `${split}.txt`), "a\tb\tc\n");
    const fetch = ["datasets", "fetch", "codex-s", "--json"];
    const env = { ...options.env, MULDE_DATASETS_MIRROR: mirror };
    const refused = await mulde(fetch, { ...options, env });
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: "DATA_CACHE", message: expect.stringContaining("set XDG_CACHE_HOME") as string },
    });
    // The home of a user without one: it cannot be made.
    const home = await mulde(fetch, { ...options, env: { ...env, HOME: "/nonexistent" } });
    expect(JSON.parse(home.stdout)).toMatchObject({
      error: { code: "DATA_CACHE", message: expect.stringContaining("XDG_CACHE_HOME or cacheDir says") as string },
    });
    const cached = await mulde(fetch, { ...options, env: { ...env, XDG_CACHE_HOME: folder } });
    expect(cached.code).toBe(0);
  });
});
