import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changesets, inThrowAway } from "../scripts/_changesets.js";
import { everyPackage, root } from "./_workspace.js";

const all = everyPackage(root);
const published = all.filter(({ manifest }) => !manifest.private);
const platforms = published.map(({ manifest }) => manifest.name).filter((name) => name.startsWith("@mulde/kernels-"));

function removeChangesets(folder: string): void {
  const files = readdirSync(join(folder, ".changeset")).filter((file) => file.endsWith(".md"));
  for (const file of files) rmSync(join(folder, ".changeset", file));
}

/** What `changeset version` makes of changesets once every package is at 0.1.0: the new versions, and changelogs by package. */
function version(...waiting: { names: Record<string, "patch" | "minor">; text: string }[]) {
  return inThrowAway(root, (copy) => {
    const versions = () => new Map(everyPackage(copy).map(({ manifest }) => [manifest.name, manifest.version]));
    for (const { folder, manifest } of everyPackage(copy)) {
      const changed = manifest.private ? manifest : { ...manifest, version: "0.1.0" };
      writeFileSync(join(copy, folder, "package.json"), JSON.stringify(changed));
    }
    removeChangesets(copy);
    for (const [i, { names, text }] of waiting.entries()) {
      const front = Object.entries(names).map(([name, type]) => `"${name}": ${type}\n`);
      writeFileSync(join(copy, `.changeset/${i}.md`), `---\n${front.join("")}---\n\n${text}\n`);
    }
    const before = versions();
    changesets(copy, "version");
    const moved = [...versions()].filter(([name, now]) => now !== before.get(name));
    const changelogs = everyPackage(copy).flatMap(({ folder, manifest }) => {
      const path = join(copy, folder, "CHANGELOG.md");
      return existsSync(path) ? [[manifest.name, readFileSync(path, "utf8")] as const] : [];
    });
    return { moved: Object.fromEntries(moved), changelogs: Object.fromEntries(changelogs) };
  });
}

const at = (names: readonly string[], now: string) => Object.fromEntries(names.map((name) => [name, now]));

const dependants = (name: string) =>
  published.filter(({ manifest }) => manifest.dependencies?.[name]).map(({ manifest }) => manifest.name);

describe("which packages move", () => {
  it("a patch moves its package alone: its dependants' ranges have it", () => {
    const { moved, changelogs } = version({ names: { "@mulde/eval": "patch" }, text: "Ties are ranked faster." });
    expect(moved).toEqual({ "@mulde/eval": "0.1.1" });
    expect(changelogs).toEqual({
      "@mulde/eval": "# @mulde/eval\n\n## 0.1.1\n\n### Patch Changes\n\n- Ties are ranked faster.\n",
    });
  });

  it("a minor moves the packages that import it, by a patch each: at 0.x their ranges end before it", () => {
    const { moved, changelogs } = version({ names: { "@mulde/eval": "minor" }, text: "`evaluate` takes a signal." });
    expect(moved).toEqual({ "@mulde/eval": "0.2.0", ...at(["@mulde/cli", "@mulde/mulde-trainer"], "0.1.1") });
    expect(changelogs["@mulde/cli"]).toMatch(
      /^# @mulde\/cli\n\n## 0.1.1\n\n### Patch Changes\n\n- Needs `@mulde\/eval` 0.2.0, `@mulde\/mulde-trainer` 0.1.1.\n$/,
    );
  });

  it("a minor of the errors moves everything", () => {
    const { moved } = version({ names: { "@mulde/errors": "minor" }, text: "A code is new." });
    const others = published.map(({ manifest }) => manifest.name).filter((name) => name !== "@mulde/errors");
    expect(moved).toEqual({ "@mulde/errors": "0.2.0", ...at(others, "0.1.1") });
  });

  it("the kernels and their platforms have one version", () => {
    const { moved } = version({ names: { "@mulde/kernels": "patch" }, text: "Faster." });
    expect(moved).toEqual(at(["@mulde/kernels", ...platforms], "0.1.1"));
  });

  it("a minor of the kernels moves their platforms with them, and by a patch what imports them", () => {
    const { moved } = version({ names: { "@mulde/kernels": "minor" }, text: "Faster." });
    expect(moved).toEqual({
      ...at(["@mulde/kernels", ...platforms], "0.2.0"),
      ...at(dependants("@mulde/kernels"), "0.1.1"),
    });
  });

  it("no package is a peer of another: a minor of a peer would be a major of what has it", () => {
    const peers = published.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}));
    expect(peers.length).toBeGreaterThan(0);
    expect(peers.filter((name) => name.startsWith("@mulde/"))).toEqual([]);
  });

  it("private packages are neither versioned nor given a changelog", () => {
    const names = all.filter(({ manifest }) => manifest.private).map(({ manifest }) => manifest.name);
    expect(names.length).toBeGreaterThan(0);
    const { moved, changelogs } = version({ names: { "@mulde/mulde-trainer": "minor" }, text: "New." });
    for (const name of names) expect({ ...moved, ...changelogs }).not.toHaveProperty(name);
  });
});

it("a changelog has each package's own news and one line for what it needs", () => {
  const { changelogs } = version(
    { names: { "@mulde/senior": "minor" }, text: "- `a` is new.\n- `b` is new." },
    { names: { "@mulde/mulde-trainer": "minor" }, text: "Uses `a`.\n\nAnd says so." },
    { names: { "@mulde/senior": "patch", "@mulde/mulde-trainer": "patch" }, text: "Messages are clearer." },
  );
  expect(changelogs["@mulde/senior"]).toBe(
    [
      "# @mulde/senior\n\n## 0.2.0",
      "### Minor Changes\n\n- `a` is new.\n- `b` is new.",
      "### Patch Changes\n\n- Messages are clearer.\n",
    ].join("\n\n"),
  );
  expect(changelogs["@mulde/mulde-trainer"]).toBe(
    [
      "# @mulde/mulde-trainer\n\n## 0.2.0",
      "### Minor Changes\n\n- Uses `a`.\n\n  And says so.",
      "### Patch Changes\n\n- Messages are clearer.\n- Needs `@mulde/senior` 0.2.0.\n",
    ].join("\n\n"),
  );
});

describe("a release", () => {
  /** Runs it where nothing is built and nothing could be published. */
  const release = (folder: string, ...args: string[]) => {
    cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "scripts/release.js"), ...args], {
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  };

  it("waits for the versions of changesets", () => {
    inThrowAway(root, (copy) => {
      removeChangesets(copy);
      writeFileSync(join(copy, ".changeset/one.md"), '---\n"@mulde/eval": patch\n---\n\nNew.\n');
      expect(release(copy)).toEqual({
        status: 1,
        stdout: "",
        stderr: "mulde: changesets wait (1): run `npm run version-packages`, and commit what it writes.\n",
      });
    });
  });

  it("names the platforms whose binaries are not built, and how to build them", () => {
    inThrowAway(root, (copy) => {
      removeChangesets(copy);
      const { status, stderr } = release(copy);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `no binary in ${platforms.join(", ")}: run \`node packages/kernels/scripts/build-platforms.js\``,
      );
    });
  });

  it("takes no other argument than --dry-run", () => {
    inThrowAway(root, (copy) => {
      expect(release(copy, "--dry")).toEqual({
        status: 2,
        stdout: "",
        stderr: "mulde: usage: node scripts/release.js [--dry-run]\n",
      });
    });
  });
});
