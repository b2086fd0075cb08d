import { reportError } from "./_errors.js";
import { buildProgram } from "./program.js";

// A reader that closes the pipe early ("mulde score ... | head") has had enough; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const args = process.argv.slice(2);
try {
  await buildProgram().parseAsync(args, { from: "user" });
} catch (error) {
  process.exitCode = reportError(error, args.includes("--json"));
}
