import { defaultCacheDir } from "@mulde/datasets";
import { loadTf, tfBackend } from "@mulde/kge-models";
import { MuldeCommand } from "./_command.js";
import { hasCode } from "./_errors.js";
import { engineInfo } from "./_engine.js";
import { addJsonOption } from "./_flags.js";
import { Output, version } from "./_output.js";
import { fields } from "./_table.js";

/** `mulde info`: which engines run here, and why. */
export function infoCommand(): MuldeCommand {
  const command = new MuldeCommand("info")
    .summary("show which engines run here, and why")
    .description(
      "Show which kernels and which TensorFlow.js backend run here, and why. MULDE_KERNELS=native|wasm and " +
        "MULDE_THREADS choose the kernels.",
    );
  addJsonOption(command).examples("mulde info", "MULDE_THREADS=1 mulde info --json");
  return command.action(async ({ json }: { json?: boolean }) => {
    const { kernels, threads, cores, reason, warning } = await engineInfo();
    const info = {
      kernels,
      ...(reason !== undefined && { kernelsReason: reason }),
      threads,
      cores,
      ...(warning !== undefined && { warning }),
      ...(await tfInfo()),
      node: process.version,
      version,
      platform: `${process.platform}-${process.arch}`,
      ...datasetsInfo(),
    };
    new Output(json ?? false).result(info, () =>
      fields(Object.fromEntries(Object.entries(info).map(([key, value]) => [key, String(value ?? "none")]))),
    );
  });
}

/** Where data sets are cached. Without a home directory that is nowhere, which is an error only for who downloads one. */
function datasetsInfo(): { datasets: string | null; datasetsReason?: string } {
  try {
    return { datasets: defaultCacheDir() };
  } catch (error) {
    return { datasets: null, datasetsReason: (error as Error).message };
  }
}

/** Only your own models need TensorFlow.js, so that a broken one is worth a line and no error. A name that is none is an error. */
async function tfInfo(): Promise<{ tfjs: string | null; tfjsReason?: string }> {
  try {
    await loadTf();
    return { tfjs: tfBackend()!.backend };
  } catch (error) {
    if (hasCode(error, "TFJS_UNKNOWN_BACKEND")) throw error;
    return { tfjs: null, tfjsReason: (error as Error).message };
  }
}
