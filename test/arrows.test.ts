import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { imports, packageOf } from "./_imports.js";
import { examples, read, root, rootManifest, sources, workspace } from "./_workspace.js";

// The map of the design: errors <- kernels <- kge-models <- mulde-trainer <- cli; datasets, eval and senior stand alone but for
// errors, except that eval and senior may use kernels.
const arrows: Readonly<Record<string, readonly string[]>> = {
  "@mulde/errors": [],
  "@mulde/kernels": ["@mulde/errors"],
  "@mulde/datasets": ["@mulde/errors"],
  "@mulde/eval": ["@mulde/errors", "@mulde/kernels"],
  "@mulde/senior": ["@mulde/errors", "@mulde/kernels"],
  "@mulde/kge-models": ["@mulde/errors", "@mulde/kernels"],
  "@mulde/mulde-trainer": [
    "@mulde/errors",
    "@mulde/kernels",
    "@mulde/datasets",
    "@mulde/eval",
    "@mulde/senior",
    "@mulde/kge-models",
  ],
  "@mulde/cli": [
    "@mulde/errors",
    "@mulde/kernels",
    "@mulde/datasets",
    "@mulde/eval",
    "@mulde/senior",
    "@mulde/kge-models",
    "@mulde/mulde-trainer",
  ],
};

it("has exactly the packages of the design", () => {
  expect(workspace.map(({ manifest }) => manifest.name).sort()).toEqual(Object.keys(arrows).sort());
});

// "@mulde/senior", "@mulde/senior/parquet": what may be imported.
const entriesOfPackages: ReadonlySet<string> = new Set(
  workspace.flatMap(({ manifest }) =>
    Object.keys(manifest.exports ?? {}).map((entry) => manifest.name + entry.slice(1)),
  ),
);

describe.each(workspace)("$manifest.name", ({ folder, manifest }) => {
  const allowed = arrows[manifest.name] ?? [];
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

  it("depends only on the packages that the arrows allow", () => {
    const own = declared.filter((name) => name.startsWith("@mulde/"));
    expect(own.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it("imports in src only itself, Node, what it declares, and of Mulde what the arrows allow", () => {
    const files = sources(`${folder}/src`);
    expect(files.length).toBeGreaterThan(0);
    const wrong = files.flatMap((file) =>
      imports(file)
        .filter((specifier) => !specifier.startsWith(".") && !isBuiltin(specifier))
        .filter((specifier) => {
          const name = packageOf(specifier);
          return !declared.includes(name) || (name.startsWith("@mulde/") && !allowed.includes(name));
        })
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("reaches into no other package's files", () => {
    const wrong = [...sources(`${folder}/src`), ...sources(`${folder}/test`)].flatMap((file) =>
      imports(file)
        .filter((specifier) =>
          specifier.startsWith(".")
            ? relative(join(root, folder), join(root, dirname(file), specifier)).startsWith("..")
            : specifier.startsWith("@mulde/") && !entriesOfPackages.has(specifier),
        )
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has a README, the licence, engines, an exports map and the usual scripts", () => {
    expect(read(`${folder}/README.md`)).toMatch(new RegExp(`^# ${manifest.name}\n`));
    expect(manifest.license).toBe("MIT");
    expect(manifest.type).toBe("module");
    expect(manifest.engines).toEqual(rootManifest.engines);
    expect(manifest.exports).toHaveProperty(["./package.json"]);
    if (manifest.name !== "@mulde/cli") expect(manifest.exports).toHaveProperty(["."]);
    expect(manifest.scripts).toMatchObject({ typecheck: "tsc", test: "vitest run" });
    expect(manifest.scripts?.build).toMatch(/\btsup\b/);
  });
});

it("names exact versions everywhere", () => {
  const exact = /^(\d+\.\d+\.\d+(-[\w.]+)?|workspace:\*|catalog:)$/;
  const all = [...workspace, ...examples, { folder: ".", manifest: rootManifest }].flatMap(({ folder, manifest }) =>
    Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.peerDependencies,
    }).map(([name, version]) => ({ folder, name, version })),
  );
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter(({ version }) => !exact.test(version))).toEqual([]);

  const catalog = /^catalog:\n((?: {2}.*\n)+)/m.exec(read("pnpm-workspace.yaml"))?.[1] ?? "";
  const entries = catalog.trimEnd().split("\n");
  expect(entries.length).toBeGreaterThan(5);
  expect(entries.filter((entry) => !/: \d+\.\d+\.\d+(-[\w.]+)?$/.test(entry))).toEqual([]);
});
