// The bill of materials of a published package, in CycloneDX: what installing it brings, with licences and hashes.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import parseExpression from "spdx-expression-parse";
import { parse } from "yaml";

const { ComponentBuilder } = Contrib.FromNodePackageJson.Builders;
const { ExternalReferenceFactory } = Contrib.FromNodePackageJson.Factories;
const { LicenseFactory } = Contrib.License.Factories;
const builder = new ComponentBuilder(new ExternalReferenceFactory(), new LicenseFactory(parseExpression));
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));

/**
 * The text of a package's bill of materials. The same commit gives the same bytes.
 *
 * @param {string} root - the workspace, with its packages installed
 * @param {string} folder - the package's folder in it
 * @param {Date} date - the commit's
 */
export function billOfMaterials(root, folder, date) {
  const graph = new Graph(hashes(root));
  const component = graph.add(realpathSync(join(root, folder)));
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component, timestamp: date }) });
  for (const one of graph.components) if (one !== component) bom.components.add(one);
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** Integrity hashes by "name@version", from the lockfile. */
function hashes(root) {
  const { packages } = parse(readFileSync(join(root, "pnpm-lock.yaml"), "utf8"));
  return new Map(Object.entries(packages).map(([key, { resolution }]) => [key, resolution.integrity]));
}

/** Components by name and version. */
class Graph {
  #made = new Map();
  #hashes;

  constructor(integrity) {
    this.#hashes = integrity;
  }

  get components() {
    return this.#made.values();
  }

  /** The component in a directory, with all that it depends on. */
  add(directory) {
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const key = `${manifest.name}@${manifest.version}`;
    // pnpm installs a package once for each choice of peers.
    const made = this.#made.get(key);
    if (made) return made;
    const component = this.#component(manifest, this.#hashes.get(key));
    this.#made.set(key, component);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const found = installed(name, directory);
      if (found) component.dependencies.add(this.add(found).bomRef);
      else if (name in (manifest.dependencies ?? {})) {
        throw new Error(`${manifest.name} needs ${name}, which is not installed: run npm run setup.`);
      }
    }
    return component;
  }

  #component(manifest, integrity) {
    const component = builder.makeComponent(manifest, Enums.ComponentType.Library);
    const { name, version } = manifest;
    component.purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    component.bomRef.value = component.purl;
    if (integrity) component.hashes.set(...Contrib.FromNodePackageJson.Utils.parsePackageIntegrity(integrity));
    return component;
  }
}

/** Where Node finds a package from a directory. */
function installed(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const there = join(folder, "node_modules", name);
    if (existsSync(join(there, "package.json"))) return realpathSync(there);
    if (folder === dirname(folder)) return undefined;
  }
}
