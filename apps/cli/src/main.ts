import { runProgram } from "./program.js";

// A reader that closes the pipe early ("mulde score ... | head") has had enough; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.exitCode = await runProgram(process.argv.slice(2));
