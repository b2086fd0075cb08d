import { describe, expect, it } from "vitest";
import { exportedNames, namedIn } from "./_exports.js";
import { read, workspace } from "./_workspace.js";

const exported = exportedNames(workspace);

// The command has no index: its interface is the command line, whose README its own tests hold.
const libraries = workspace.filter(({ manifest }) => manifest.exports !== undefined && "." in manifest.exports);

it("are read from the index of each package", () => {
  expect(libraries.length).toBe(workspace.length - 1);
  expect(exported.get("@mulde/errors")).toEqual(
    expect.arrayContaining(["ErrorFields", "MuldeError", "closest", "hasCode"]),
  );
});

it("count as named in a code span alone", () => {
  const text = "`one(two)` three\n\n```ts\nfour();\n```\n\n| `Five<Six>` | seven |\n";
  expect([...namedIn(text)]).toEqual(["one", "two", "Five", "Six"]);
});

describe.each(libraries)("the README of $manifest.name", ({ folder, manifest }) => {
  it("names every export", () => {
    const names = exported.get(manifest.name)!;
    expect(names.length).toBeGreaterThan(0);
    const named = namedIn(read(`${folder}/README.md`));
    expect(names.filter((name) => !named.has(name))).toEqual([]);
  });
});
