// Imports nothing: `bin/mulde.js` hears signals by it before anything that takes a while to import.

/** What the shells have: 128 and the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

type Listener = (exitCode: number) => void;

let listener: Listener = endAtOnce;

/** Hears Ctrl-C and requests to end from now on. Until somebody listens, they end the process with a line and its exit code. */
export function hearSignals(): void {
  for (const [name, exitCode] of Object.entries(exitCodes)) process.on(name, () => listener(exitCode));
}

/** Tells one listener instead; what comes back makes it stop listening. */
export function listen(own: Listener): () => void {
  listener = own;
  return () => (listener = endAtOnce);
}

function endAtOnce(exitCode: number): void {
  const message = "Stopped.";
  process.stderr.write(`${message} (CLI_INTERRUPTED)\n`);
  if (process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ error: { code: "CLI_INTERRUPTED", message } })}\n`);
  }
  process.exit(exitCode);
}
