import { Command } from "commander";
import { datasetsCommand } from "./datasets.js";
import { distilCommand } from "./distil.js";
import { evaluateCommand } from "./evaluate.js";
import { importCommand } from "./import.js";
import { infoCommand } from "./info.js";
import { version } from "./_output.js";
import { predictCommand } from "./predict.js";
import { quickstartCommand } from "./quickstart.js";
import { runCommand } from "./run.js";
import { scoreCommand } from "./score.js";
import { trainCommand } from "./train.js";

/** The whole command line. Wrong calls throw commander's errors instead of ending the process. */
export function buildProgram(): Command {
  const program = new Command("mulde")
    .description("Knowledge graph embeddings: train teachers, distil them into a small Junior, evaluate and query it.")
    .version(version);
  const commands = [
    quickstartCommand(),
    trainCommand(),
    distilCommand(),
    importCommand(),
    runCommand(),
    evaluateCommand(),
    scoreCommand(),
    predictCommand(),
    datasetsCommand(),
    infoCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return settle(program);
}

/** Subcommands made on their own do not inherit these settings. */
function settle(command: Command): Command {
  // Errors are reported in one place, see `reportError`.
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const inner of command.commands) settle(inner);
  return command;
}
