// A registry of our own on loopback: verdaccio, with nothing behind it.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Installs verdaccio in a folder and gives its program, or nothing where npm cannot install it. */
export function installVerdaccio(folder) {
  mkdirSync(folder);
  // 6.8 is the last for Node 20. A part of it asks for node-fetch by a tag that not every registry keeps.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, overrides: { "node-fetch": "2.7.0" } }));
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "verdaccio@6.8.0"];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
  return status === 0 ? join(folder, "node_modules/verdaccio/bin/verdaccio") : undefined;
}

/** Starts a registry that keeps its packages in a folder. `host` is its address, `token` allows to publish. */
export async function startRegistry(program, folder) {
  mkdirSync(folder);
  const config = {
    storage: join(folder, "storage"),
    auth: { htpasswd: { file: join(folder, "htpasswd") } },
    packages: { "@mulde/*": { access: "$all", publish: "$authenticated" } },
    web: { enable: false },
    log: { type: "stdout", level: "warn" },
  };
  // YAML reads JSON.
  writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
  const host = `127.0.0.1:${await freePort()}`;
  const args = [program, "--config", join(folder, "config.yaml"), "--listen", `http://${host}`];
  const server = spawn(process.execPath, args, { cwd: folder, stdio: "inherit" });
  const stop = () => server.kill();
  for (let tries = 0; tries < 150 && server.exitCode === null; tries++) {
    await wait(200);
    const token = await addUser(host).catch(() => undefined);
    if (token) return { host, token, stop };
  }
  stop();
  throw new Error("verdaccio does not answer.");
}

/** Every version that a registry has of packages, such as @mulde/eval@0.1.0. */
export async function versionsIn(host, names) {
  const all = names.map(async (name) => {
    // Not by a connection that was kept: it is closed long since.
    const answer = await fetch(`http://${host}/${name}`, { headers: { connection: "close" } });
    if (answer.status === 404) return [];
    const { versions } = await answer.json();
    return Object.keys(versions).map((version) => `${name}@${version}`);
  });
  return (await Promise.all(all)).flat().sort();
}

async function addUser(host) {
  const answer = await fetch(`http://${host}/-/user/org.couchdb.user:ci`, {
    method: "PUT",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ name: "ci", password: "for-this-test-alone" }),
  });
  return (await answer.json()).token;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
