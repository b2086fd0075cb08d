import { hasCode, MuldeError } from "@mulde/errors";
import { type ModelInfo, saveModel } from "@mulde/kge-models";
import type { TrainEvent } from "../run/events.js";
import type { TrainingRun } from "../run/train.js";

/**
 * The events of a run. If it diverges, the model of its best validation is saved, and the error says where.
 *
 * @param directory - for that model: one of its own, so that nobody takes it for the result
 * @param info - what `saveModel` needs; the training summary also gets what diverged, and the best validation
 * @throws MuldeError as the run rejects
 */
export async function* keepBest(run: TrainingRun, directory: string, info: ModelInfo): AsyncGenerator<TrainEvent> {
  let kept = "";
  try {
    for await (const event of run) {
      if (event.type === "diverged") kept = await keep(event, directory, info);
      yield event;
    }
  } catch (error) {
    if (kept === "" || !hasCode(error, "TRAINER_DIVERGED")) throw error;
    const { code, reason, file, line, path, value } = error;
    throw new MuldeError(code, `${reason} ${kept}`, { file, line, path, value, cause: error });
  }
}

/** Saves the best state, if there is one, and returns a sentence about it. */
async function keep(
  { best, epoch, step, reason }: Extract<TrainEvent, { readonly type: "diverged" }>,
  directory: string,
  info: ModelInfo,
): Promise<string> {
  if (!best) return "";
  const { epochs, steps, seconds } = best;
  const training = { ...info.training, epochs, steps, seconds, validation: best.best };
  try {
    await saveModel(best.model, directory, {
      ...info,
      training: { ...training, diverged: { epoch, step, reason } },
    });
    return `The model as it was after epoch ${best.best.epoch + 1}, the best, is in ${directory}.`;
  } catch (error) {
    // What diverged matters more than why its best state is lost.
    return `The model as it was at its best could not be saved: ${error instanceof Error ? error.message : String(error)}`;
  }
}
