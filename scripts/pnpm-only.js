// Run before a package is packed or published. Only pnpm writes versions in place of "workspace:" and "catalog:"; what npm or yarn would
// publish installs nowhere.
import { basename } from "node:path";

const { npm_config_user_agent: agent = "", npm_package_name: name = basename(process.cwd()) } = process.env;
if (!agent.startsWith("pnpm/")) {
  console.error(`${name} is packed and published by pnpm alone: run npx pnpm@10 pack, or npx pnpm@10 publish, here.`);
  process.exitCode = 1;
}
