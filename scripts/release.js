// Publishes each package whose version the registry lacks, in the order of their dependencies, and tags the commit:
//   node scripts/release.js [--dry-run]
// A dry run does everything but the upload and the tags, and works without a network: what the registry has is then unknown and counts as
// nothing.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { changesets } from "./_changesets.js";
import { binaryOf, everyPackage } from "./_packages.js";
import { pnpm } from "./_pnpm.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);
const dry = args[0] === "--dry-run";
if (args.length > (dry ? 1 : 0)) fail("usage: node scripts/release.js [--dry-run]", 2);

function fail(message, code = 1) {
  console.error(`mulde: ${message}`);
  process.exit(code);
}

function must(code, what) {
  if (code !== 0) fail(`${what} failed; see above. Nothing was tagged.`);
}

function check(packages) {
  const waiting = readdirSync(join(root, ".changeset")).filter((file) => file.endsWith(".md"));
  if (waiting.length > 0) {
    const message = `changesets wait (${waiting.length}): run \`npm run version-packages\`, and commit what it writes.`;
    if (dry) console.error(`mulde: before a release, ${message}`);
    else fail(message);
  }
  const missing = packages.filter((one) => {
    const binary = binaryOf(one);
    return binary !== undefined && !existsSync(join(root, binary));
  });
  if (missing.length > 0) {
    const names = missing.map(({ manifest }) => manifest.name).join(", ");
    fail(`no binary in ${names}: run \`node packages/kernels/scripts/build-platforms.js\`.`);
  }
}

/** Packs every package and gives the sizes of the tarballs in bytes. */
function pack(packages) {
  const folder = mkdtempSync(join(tmpdir(), "mulde-packed-"));
  try {
    const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`);
    must(pnpm(["--recursive", ...filters, "pack", "--pack-destination", folder]), "packing");
    const sizes = packages.map(({ manifest: { name, version } }) => {
      const file = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
      return [name, statSync(file).size];
    });
    return new Map(sizes);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Uploads what is new, or tries to, and gives its names and versions. */
function publish() {
  const env = dry ? { npm_config_fetch_retries: "0" } : {};
  // GitHub's runners sign where a package was built; nobody else can.
  if (process.env.ACTIONS_ID_TOKEN_REQUEST_URL) env.npm_config_provenance = "true";
  const summary = join(root, "pnpm-publish-summary.json");
  rmSync(summary, { force: true });
  must(
    pnpm(["publish", "--recursive", "--report-summary", ...(dry ? ["--dry-run", "--no-git-checks"] : [])], { env }),
    "publishing",
  );
  return JSON.parse(readFileSync(summary, "utf8")).publishedPackages;
}

const packages = everyPackage(root).filter(({ manifest }) => !manifest.private);
check(packages);
must(pnpm(["exec", "turbo", "run", "build", "--output-logs=errors-only"]), "the build");
const sizes = pack(packages);
const published = publish();
if (!dry) changesets(root, "tag");

console.log(`${dry ? "would publish" : "published"} ${published.length} of ${packages.length} packages`);
for (const { name, version } of published) {
  console.log(`${name.padEnd(32)} ${version.padEnd(10)} ${(sizes.get(name) / 1000).toFixed(1).padStart(8)} kB`);
}
