import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { calledAs } from "../src/_called-as.js";
import { temporary } from "./_cli.js";

const npm = "npm/11.0.0 node/v20.20.2 linux x64 workspaces/false";
let checkout: string;

beforeAll(() => {
  checkout = temporary();
  mkdirSync(join(checkout, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(checkout, "node_modules", ".bin", "mulde"), "");
});

test.each([
  ["a global install", "/usr/local/bin/mulde", {}, "mulde"],
  ["a global install on Windows", "/c/npm/node_modules/@mulde/cli/bin/mulde.js", {}, "mulde"],
  ["npx, installed here", "/app/node_modules/.bin/mulde", { npm_config_user_agent: npm }, "npx mulde"],
  ["npx, installed in a folder above", "/node_modules/.bin/mulde", { npm_config_user_agent: npm }, "npx mulde"],
  ["no runner, installed here", "/app/node_modules/@mulde/cli/bin/mulde.js", {}, "npx mulde"],
  ["pnpm", "/app/node_modules/@mulde/cli/bin/mulde.js", { npm_config_user_agent: "pnpm/10.34.9 npm/?" }, "pnpm mulde"],
  ["yarn", "/app/node_modules/.bin/mulde", { npm_config_user_agent: "yarn/4.0.0 npm/?" }, "yarn mulde"],
  ["bun", "/app/node_modules/.bin/mulde", { npm_config_user_agent: "bun/1.4.0 npm/?" }, "bunx mulde"],
  ["npx, fetched", "/home/me/.npm/_npx/4ad4/node_modules/.bin/mulde", { npm_config_user_agent: npm }, "npx @mulde/cli"],
  ["pnpm, fetched", "/home/me/.cache/pnpm/dlx/4ad4/node_modules/.bin/mulde", {}, "pnpm dlx @mulde/cli"],
  ["node", "/app/apps/cli/bin/mulde.js", {}, "node apps/cli/bin/mulde.js"],
  ["node, in a folder with a space", "/app/my apps/mulde.js", {}, 'node "my apps/mulde.js"'],
  [
    "npm start without an install",
    "/app/apps/cli/bin/mulde.js",
    { npm_lifecycle_event: "start" },
    "node apps/cli/bin/mulde.js",
  ],
])("called by %s", (_, script, env, words) => {
  expect(calledAs({ script, cwd: "/app", env })).toBe(words);
});

test("called by npm start in a checkout, which only starts the quickstart", () => {
  const script = join(checkout, "apps", "cli", "bin", "mulde.js");
  const env = { npm_lifecycle_event: "start", npm_config_user_agent: npm };
  expect(calledAs({ script, cwd: checkout, env })).toBe("npx mulde");
});
