import { MuldeCommand } from "./_command.js";
import { reportError } from "./_errors.js";
import { version } from "./_output.js";
import { datasetsCommand } from "./datasets.js";
import { distilCommand } from "./distil.js";
import { evaluateCommand } from "./evaluate.js";
import { importCommand } from "./import.js";
import { infoCommand } from "./info.js";
import { optionsCommand } from "./options.js";
import { predictCommand } from "./predict.js";
import { quickstartCommand } from "./quickstart.js";
import { runCommand } from "./run.js";
import { scoreCommand } from "./score.js";
import { trainCommand } from "./train.js";

/** The whole command line. Wrong calls throw commander's errors instead of ending the process. */
export function buildProgram(): MuldeCommand {
  const program = new MuldeCommand("mulde")
    .description("Knowledge graph embeddings: train teachers, distil them into a small Junior, evaluate and query it.")
    .version(version, "-V, --version", "show the version")
    .helpCommand("help [command]", "show the help of a command");
  program.examples("mulde quickstart", "mulde train --help");
  const commands = [
    quickstartCommand(),
    trainCommand(),
    distilCommand(),
    optionsCommand(),
    importCommand(),
    runCommand(),
    evaluateCommand(),
    scoreCommand(),
    predictCommand(),
    datasetsCommand(),
    infoCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return program;
}

/** Does what a command line says, reports what goes wrong, and returns the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return reportError(error, args.includes("--json"));
  }
}
