import {
  datasetInfo,
  type DatasetCounts,
  type DatasetInfo,
  fetchDataset,
  listDatasets,
  loadDataset,
} from "@mulde/datasets";
import { Command } from "commander";
import { addJsonOption, addReadOptions, readOptions } from "./_flags.js";
import { interruptible } from "./_interrupt.js";
import { Output } from "./_output.js";
import { DownloadBar } from "./_progress.js";
import { size, table, whole } from "./_table.js";

interface Options {
  readonly json?: boolean;
}

/** `mulde datasets`: the registered data sets, and one's own. */
export function datasetsCommand(): Command {
  const command = new Command("datasets").description("List, describe and download data sets.");
  command.addCommand(addJsonOption(new Command("list").description("List the registered data sets.")).action(list));
  const info = new Command("info")
    .description("Describe a registered data set without downloading it, or read and count one of your own.")
    .argument("<name>", 'a name of "mulde datasets list", or the path of a directory or archive');
  command.addCommand(addJsonOption(addReadOptions(info)).action(describe));
  const fetch = new Command("fetch")
    .description("Download a registered data set into the cache and check it.")
    .argument("<name>", 'a name of "mulde datasets list"');
  return command.addCommand(addJsonOption(fetch).action(download));
}

function list({ json }: Options): void {
  const datasets = listDatasets().map(withEmbedded);
  new Output(json ?? false).result({ datasets }, () => {
    const numbers = ["entities", "relations", "train", "valid", "test"] as const;
    const rows = datasets.map(({ name, counts, embedded, licence }) => [
      name,
      ...numbers.map((key) => whole(counts[key])),
      embedded ? "embedded" : "download",
      licence,
    ]);
    const right = numbers.map((head) => ({ head, align: "right" }) as const);
    return table([{ head: "name" }, ...right, { head: "comes by" }, { head: "licence" }], rows);
  });
}

async function describe(name: string, given: Options & { columns: string; delimiter?: string }): Promise<void> {
  const output = new Output(given.json ?? false);
  const registered = listDatasets().some((known) => known.name.toLowerCase() === name.toLowerCase());
  if (registered) {
    const info = withEmbedded(datasetInfo(name));
    const { description, licence, source, counts, files } = info;
    output.result(info, () =>
      lines({
        name: info.name,
        description,
        licence,
        source,
        ...counted(counts),
        files: files.map(({ url }) => url).join(" ") || "none, it is embedded",
      }),
    );
    return;
  }
  const { entities, relations, train, valid, test, ...data } = await loadDataset(name, readOptions(given));
  const counts = {
    entities: entities.size,
    relations: relations.size,
    train: train.length,
    valid: valid.length,
    test: test.length,
  };
  const { source, fingerprint } = data;
  const info = { name: data.name, source, fingerprint, counts };
  output.result(info, () => lines({ name: data.name, source: source ?? "", ...counted(counts), fingerprint }));
}

async function download(name: string, { json }: Options): Promise<void> {
  const output = new Output(json ?? false);
  const bar = new DownloadBar(output);
  const onProgress = ({ received, total }: { received: number; total: number | undefined }): void =>
    bar.show(received, total);
  const fetched = await interruptible((signal) => fetchDataset(name, { signal, onProgress })).finally(() => bar.stop());
  const { info, directory, files, bytes } = fetched;
  output.result({ name: info.name, directory, files, bytes }, () =>
    files.length === 0
      ? `${info.name} is embedded: nothing is to be downloaded.`
      : `${info.name}: ${size(bytes)} in ${directory}${info.files.every(({ sha256 }) => sha256) ? ", checked" : ""}`,
  );
}

function withEmbedded(info: DatasetInfo): DatasetInfo & { readonly embedded: boolean } {
  return { ...info, embedded: info.files.length === 0 };
}

function counted(counts: DatasetCounts): Record<string, string> {
  return Object.fromEntries(Object.entries(counts).map(([key, value]: [string, number]) => [key, whole(value)]));
}

function lines(fields: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(fields).map((key) => key.length));
  return Object.entries(fields)
    .map(([key, value]) => `${key.padEnd(width)}  ${value}`)
    .join("\n");
}
