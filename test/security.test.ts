import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, encodeSafetensors, loadModel, saveModel } from "@mulde/kge-models";
import { merged, parseExperiment } from "@mulde/mulde-trainer";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { read, root, sources, workspace } from "./_workspace.js";

// What SECURITY.md promises: data is never executed, and no third party's install script runs.

const code = workspace.flatMap(({ folder }) => [
  ...sources(`${folder}/src`),
  ...(existsSync(join(root, folder, "bin")) ? sources(`${folder}/bin`, /\.js$/) : []),
]);

/** The source files with a line of code that matches; comments do not count. */
function filesWith(pattern: RegExp): string[] {
  return code.toSorted().filter((path) =>
    read(path)
      .split("\n")
      .some((line) => !/^\s*(\/\/|\/?\*)/.test(line) && pattern.test(line)),
  );
}

describe("code comes from few places", () => {
  it("is never made from text, nor run in another process", () => {
    expect(code.length).toBeGreaterThan(100);
    expect(filesWith(/\beval\(|\bFunction\(|node:vm|child_process|\bdlopen\b|from "node:(cluster|inspector)/)).toEqual(
      [],
    );
  });

  it("is imported by other than a literal name where a constant or --import says which", () => {
    const literal = /\bimport\((?!\s*["'])/;
    expect(literal.test("await import(path)")).toBe(true);
    expect(literal.test('await import("node:os")')).toBe(false);
    expect(filesWith(literal)).toEqual([
      "apps/cli/src/_modules.ts",
      "packages/kge-models/src/_tf-engines.ts",
      "packages/senior/src/onnx.ts",
    ]);
    for (const [file, name] of [
      ["packages/kge-models/src/_tf-engines.ts", "PACKAGES"],
      ["packages/senior/src/onnx.ts", "RUNTIME"],
    ] as const) {
      const loads = read(file).match(/\bimport\([^"')]*\)/g) ?? [];
      expect(loads.length, file).toBeGreaterThan(0);
      for (const one of loads) expect(one, file).toMatch(new RegExp(`\\b${name}(\\.\\w+)?\\)$`));
      const constant = `"[@\\w/-]+"|\\{( \\w+: "[@\\w/-]+",?)+ \\} as const`;
      expect(read(file), file).toMatch(new RegExp(`^const ${name} = (${constant});`, "m"));
    }
  });

  it("is required, or started as a worker, in the package's own files only", () => {
    expect(filesWith(/\bcreateRequire\(|\brequire\(|\brequireFrom\(/)).toEqual([
      "apps/cli/src/_output.ts",
      "packages/datasets/src/wordnet.ts",
      "packages/kernels/src/_addon.ts",
      "packages/kernels/src/_node.ts",
      "packages/kernels/src/native.ts",
      "packages/kge-models/src/_tf-engines.ts",
    ]);
    expect(filesWith(/\bnew Worker\(/)).toEqual(["packages/kernels/src/_node.ts", "packages/kernels/src/_web.ts"]);
    expect(filesWith(/\bWebAssembly\.(compile|instantiate)/)).toEqual([
      "packages/kernels/src/_module.ts",
      "packages/kernels/src/_worker-source.ts",
      "packages/kernels/src/wasm.ts",
    ]);
  });
});

describe("a model directory", () => {
  const folder = mkdtempSync(join(tmpdir(), "mulde-security-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  const polluting = '"__proto__": { "polluted": 1 }, "constructor": { "prototype": { "polluted": 1 } }';
  const entities = ["__proto__", "constructor", "../../escape", "$(touch escape)", "`id`", "${process.exit(9)}"];
  const relations = ["hasOwnProperty", "<script>alert(1)</script>"];

  /** A directory with hostile names and keys, and with code where a loader that looks for it would find some. */
  async function hostile(name: string): Promise<string> {
    const directory = join(folder, name);
    const model = await createModel({ model: "RotE", dim: 4, entities: entities.length, relations: 2, seed: 1 });
    await saveModel(model, directory, { entities, relations, dataset: { name: "d", fingerprint: "f" }, training: {} });
    model.dispose();
    const config = join(directory, "config.json");
    // Without the hashes, which would show that the files were changed.
    const written = { ...(JSON.parse(readFileSync(config, "utf8")) as object), files: undefined };
    const text = JSON.stringify(written).replaceAll("{", `{ ${polluting}, `);
    writeFileSync(config, text.replaceAll(/,\s*}/g, "}"));
    const trap = `require("node:fs").writeFileSync(${JSON.stringify(join(folder, "trapped"))}, "")`;
    for (const file of ["index.js", "config.js", "model.js", "model.cjs"]) writeFileSync(join(directory, file), trap);
    writeFileSync(join(directory, "package.json"), '{ "main": "index.js", "type": "commonjs" }');
    mkdirSync(join(directory, "node_modules/@mulde/kernels"), { recursive: true });
    writeFileSync(join(directory, "node_modules/@mulde/kernels/index.js"), trap);
    return directory;
  }

  it("is read where Node may neither write, nor start anything, nor make code from text", async () => {
    const directory = await hostile("denied");
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
      ? "--permission"
      : "--experimental-permission";
    const program = `
      import { openModel } from "@mulde/kge-models";
      const denied = ["fs.write", "child", "worker"].every((what) => !process.permission.has(what));
      const model = await openModel(${JSON.stringify(directory)});
      const [best] = await model.predict({ head: "__proto__", relation: "hasOwnProperty" }, { top: 1 });
      console.log(JSON.stringify({ denied, score: typeof best.score, polluted: {}.polluted ?? null }));`;
    const stdout = execFileSync(
      process.execPath,
      [
        permission,
        "--allow-fs-read=*",
        "--disallow-code-generation-from-strings",
        "--no-warnings",
        "--input-type=module",
        "-e",
        program,
      ],
      { cwd: root, encoding: "utf8", env: { ...process.env, MULDE_KERNELS: "wasm", MULDE_THREADS: "1" } },
    );
    expect(JSON.parse(stdout)).toEqual({ denied: true, score: "number", polluted: null });
    expect(existsSync(join(folder, "trapped"))).toBe(false);
  });

  it("changes no prototype, whatever its files hold", async () => {
    const { model, entities: names, training } = await loadModel(await hostile("loaded"));
    expect(names).toEqual(entities);
    expect(({ ...training } as Record<string, unknown>).polluted).toBeUndefined();
    model.dispose();
  });

  it.each(["__proto__", "constructor", "toString", "../RotE"])("is refused if its model is %s", async (name) => {
    const directory = await hostile(`named-${name.replaceAll(/\W/g, "")}`);
    const config = join(directory, "config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace('"RotE"', JSON.stringify(name)));
    await expect(loadModel(directory)).rejects.toMatchObject({ code: "MODELS_UNKNOWN_MODEL" });
  });

  it("is refused if a tensor is called __proto__ in place of a table", async () => {
    const directory = await hostile("tensor");
    const tensors = Object.fromEntries([["__proto__", { shape: [1], data: Float32Array.of(1) }]]);
    writeFileSync(join(directory, "model.safetensors"), encodeSafetensors(tensors));
    await expect(loadModel(directory)).rejects.toMatchObject({ name: "MuldeError" });
  });

  it("and an experiment, too, is refused for keys of prototypes", () => {
    const text = "{ data: d, teachers: [RotE], junior: {}, defaults: { __proto__: { polluted: 1 } } }";
    expect(() => parseExperiment(parse(text))).toThrow(expect.objectContaining({ code: "TRAINER_OPTION" }) as Error);
    merged({}, JSON.parse(`{ ${polluting} }`));
  });
});

it("no install script of a third party runs", () => {
  const settings = parse(read("pnpm-workspace.yaml")) as { strictDepBuilds: boolean; allowBuilds: object };
  // Packages that have scripts fail the installation unless they are listed.
  expect(settings.strictDepBuilds).toBe(true);
  expect(Object.values(settings.allowBuilds).filter((allowed) => allowed !== false)).toEqual([]);
});
