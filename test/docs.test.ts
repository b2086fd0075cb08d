import { describe, expect, it } from "vitest";
import { committedFiles } from "./_tree.js";
import { read } from "./_workspace.js";

// The guides follow the code from file to file, so a file that moved or was renamed must move in them too.
describe("the guides", () => {
  const files = committedFiles();

  it.each(files.filter((path) => /^docs\/[\w-]+\.md$/.test(path)))("%s names files that are there", (path) => {
    const named = [...read(path).matchAll(/`([\w./-]+\.(?:ts|js|h|cc|md))`/g)].map((match) => match[1]!);
    expect(named.filter((name) => !files.some((file) => `/${file}`.endsWith(`/${name}`)))).toEqual([]);
  });
});
