import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
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

/** Dependencies and peers of any package. */
const brought: ReadonlySet<string> = new Set(
  workspace.flatMap(({ manifest }) => Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
);

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
    expect(manifest.scripts).toMatchObject({
      typecheck: "tsc",
      test: "vitest run",
      prepack: "node ../../scripts/pnpm-only.js",
    });
    const page = `https://github.com/mulde/mulde/tree/main/${folder}#readme`;
    expect(manifest).toMatchObject({ homepage: page, bugs: "https://github.com/mulde/mulde/issues" });
    expect(manifest.keywords?.length).toBeGreaterThan(1);
    expect(manifest.scripts?.build).toMatch(/\btsup\b/);
  });
});

describe("versions", () => {
  const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
  const range = /^[~^]\d+\.\d+\.\d+$/;
  const { catalog } = parse(read("pnpm-workspace.yaml")) as { catalog: Readonly<Record<string, string>> };
  /** What a manifest says of the versions of others, without those that move together with it. */
  const named = (sections: readonly (Readonly<Record<string, string>> | undefined)[]) =>
    sections.flatMap((section) =>
      Object.entries(section ?? {}).map(([name, version]) => [name, version === "catalog:" ? catalog[name]! : version]),
    );
  const wrong = (versions: string[][], own: RegExp, others: RegExp) =>
    versions.filter(([name, version]) => !(name!.startsWith("@mulde/") ? own : others).test(version!));

  it.each(workspace)("that $manifest.name brings along or meets at its user's are ranges", ({ manifest }) => {
    const versions = named([manifest.dependencies, manifest.peerDependencies]);
    expect(wrong(versions, /^workspace:\^$/, range)).toEqual([]);
  });

  it("of tools are exact", () => {
    for (const { manifest } of [...workspace, { manifest: rootManifest }]) {
      // What users have in a range is tested in the version that the lockfile pins.
      const tools = named([manifest.devDependencies]).filter(([name]) => !brought.has(name!));
      expect(wrong(tools, /^workspace:[*^]$/, exact), manifest.name).toEqual([]);
    }
    const shared = Object.entries(catalog).filter(([name]) => !brought.has(name));
    expect(shared.length).toBeGreaterThan(3);
    expect(wrong(shared, exact, exact)).toEqual([]);
  });

  it("of examples are what a copy of one installs", () => {
    expect(examples.length).toBeGreaterThan(1);
    for (const { manifest } of examples) {
      expect(manifest.version, "an example is not released").toBeUndefined();
      expect(wrong(named([manifest.dependencies]), /^workspace:\^$/, exact)).toEqual([]);
    }
  });
});
