import { fileError } from "@mulde/errors";
import { reportError } from "./_errors.js";
import { runProgram } from "./program.js";

// A reader that closes the pipe early ("mulde score ... | head") has had enough; that is no failure. A full disk is.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : reportError(fileError("CLI_STDOUT", "written", "stdout", error), false));
});
// Nobody reads the logs any more, or there is no room for them: the work goes on.
process.stderr.on("error", () => undefined);

const exitCode = await runProgram(process.argv.slice(2));
process.exitCode = exitCode;
// Work that was stopped may have left a read or a download that never ends.
if (exitCode > 128) process.stdout.write("", () => process.exit());
