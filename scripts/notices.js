// Writes THIRD-PARTY-NOTICES into every package whose bundle holds others' work, from what was built: node scripts/notices.js
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notices } from "./_notices.js";
import { packages } from "./_packages.js";

const root = fileURLToPath(new URL("..", import.meta.url));
for (const { folder } of packages(root)) {
  const text = notices(root, folder);
  const file = join(root, folder, "THIRD-PARTY-NOTICES");
  if (text === undefined) rmSync(file, { force: true });
  else writeFileSync(file, text);
}
