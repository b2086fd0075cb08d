import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root, workspace } from "./_workspace.js";

interface Component {
  readonly purl: string;
  readonly hashes?: readonly unknown[];
  readonly licenses?: readonly unknown[];
}

interface Bill {
  readonly metadata: { readonly component: Component };
  readonly components?: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const folder = mkdtempSync(join(tmpdir(), "mulde-sbom-"));
const again = mkdtempSync(join(tmpdir(), "mulde-sbom-"));
afterAll(() => {
  for (const one of [folder, again]) rmSync(one, { recursive: true });
});
beforeAll(() => {
  for (const one of [folder, again]) execFileSync(process.execPath, [join(root, "scripts/sbom.js"), one]);
});

const fileOf = ({ name, version }: { name: string; version: string }) =>
  `${name.slice(1).replace("/", "-")}-${version}.cdx.json`;
const purl = (name: string, version = "") => `pkg:npm/${name.replace("@", "%40")}@${version}`;
const text = (manifest: { name: string; version: string }) => readFileSync(join(folder, fileOf(manifest)), "utf8");
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

it("there is a bill of materials for each published package", () => {
  expect(readdirSync(folder).sort()).toEqual(workspace.map(({ manifest }) => fileOf(manifest)).sort());
});

it.each(workspace)("that of $manifest.name is valid, and names what an installation brings", async ({ manifest }) => {
  expect(await validator.validate(text(manifest))).toBeNull();
  const bill = JSON.parse(text(manifest)) as Bill;
  const components = bill.components ?? [];
  expect(bill.metadata.component.purl).toBe(purl(manifest.name, manifest.version));
  const own = bill.dependencies.find(({ ref }) => ref === bill.metadata.component.purl);
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  expect((own?.dependsOn ?? []).map((ref) => ref.slice(0, ref.lastIndexOf("@") + 1)).sort()).toEqual(
    names.map((name) => purl(name)).sort(),
  );
  for (const component of components) {
    expect(component.licenses, component.purl).toBeDefined();
    if (!component.purl.startsWith("pkg:npm/%40mulde/")) expect(component.hashes, component.purl).toHaveLength(1);
  }
  // Every dependency is a component, and nothing is there twice.
  const refs = [bill.metadata.component.purl, ...components.map((component) => component.purl)];
  expect(new Set(refs).size).toBe(refs.length);
  expect(bill.dependencies.map(({ ref }) => ref).sort()).toEqual([...refs].sort());
  expect(refs).toEqual(expect.arrayContaining(bill.dependencies.flatMap(({ dependsOn = [] }) => dependsOn)));
});

it("that of kge-models reaches dependencies of dependencies, and no tools", () => {
  const { manifest } = workspace.find(({ folder: one }) => one === "packages/kge-models")!;
  expect(text(manifest)).toContain("pkg:npm/seedrandom@");
  expect(text(manifest)).not.toContain("pkg:npm/vitest@");
});

it("the same commit gives the same bytes, and the schema is looked at", async () => {
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(again, name), "utf8")).toBe(readFileSync(join(folder, name), "utf8"));
  }
  const broken = text(workspace[0]!.manifest).replace('"type": "library"', '"type": "book"');
  expect(await validator.validate(broken)).not.toBeNull();
});
