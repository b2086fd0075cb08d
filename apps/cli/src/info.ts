import { defaultCacheDir } from "@mulde/datasets";
import { loadTf, tfBackend } from "@mulde/kge-models";
import { Command } from "commander";
import { engineInfo } from "./_engine.js";
import { addJsonOption } from "./_flags.js";
import { Output, version } from "./_output.js";

/** `mulde info`: which engines run here. */
export function infoCommand(): Command {
  const command = new Command("info").description("Show which kernels and which TensorFlow.js backend run here.");
  return addJsonOption(command).action(async ({ json }: { json?: boolean }) => {
    const { reason, ...engine } = await engineInfo();
    const tf = await tfInfo();
    const info = {
      ...engine,
      ...(reason !== undefined && { kernelsReason: reason }),
      ...tf,
      node: process.version,
      version,
      platform: `${process.platform}-${process.arch}`,
      datasets: defaultCacheDir(),
    };
    new Output(json ?? false).result(info, () => {
      const width = Math.max(...Object.keys(info).map((key) => key.length));
      return Object.entries(info)
        .map(([key, value]) => `${key.padEnd(width)}  ${value ?? "none"}`)
        .join("\n");
    });
  });
}

/** TensorFlow.js serves models of one's own only, so that a broken one is worth a line and not an error. */
async function tfInfo(): Promise<{ tfjs: string | null; tfjsReason?: string }> {
  try {
    await loadTf();
    return { tfjs: tfBackend()!.backend };
  } catch (error) {
    return { tfjs: null, tfjsReason: (error as Error).message };
  }
}
