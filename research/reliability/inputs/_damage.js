// A model directory with one thing wrong, as `mulde predict` meets it.
import { rmSync } from "node:fs";
import { changed, changedJson, copy, opened, safetensors } from "./_files.js";

export const ask = ["predict", "model", "--head", "Alba", "--relation", "knows", "--json"];

/** Makers of cases, each with one file of the model directory changed. */
export function damages(model) {
  const damaged = (name, file, content, code, names = file, run = ask) => ({
    name: `${file}: ${name}`,
    files: { model: copy(model), [`model/${file}`]: content ?? ((path) => rmSync(path)) },
    run,
    code,
    names: [].concat(names),
  });
  const config = (name, change, code = "MODELS_FILE", names = []) =>
    damaged(name, "config.json", changedJson(`${model}/config.json`, change), code, [
      "config.json",
      ...[].concat(names),
    ]);
  const source = `${model}/model.safetensors`;
  const bytes = (name, change, code, names = "model.safetensors", files = {}) => {
    const one = damaged(name, "model.safetensors", changed(source, change), code, names);
    return { ...one, files: { ...one.files, ...files } };
  };
  // Without the hashes of the files, as a directory from Python has none, the form of the tensors alone is checked.
  const unsigned = { "model/config.json": changedJson(`${model}/config.json`, { files: undefined }) };
  const tensors = (name, change, code = "MODELS_FILE", names = []) =>
    bytes(
      name,
      (content) => {
        const { header, data } = opened(content);
        const wanted = change(header, data);
        return safetensors(wanted.header ?? header, wanted.data ?? data);
      },
      code,
      ["model.safetensors", ...[].concat(names)],
      unsigned,
    );
  const value = (number) => (header, data) => {
    const copied = Buffer.from(data);
    copied.writeFloatLE(number, header.entity.data_offsets[0] + 4);
    return { data: copied };
  };
  const text = (name, file, content, code = "MODELS_FILE", names = file) => damaged(name, file, content, code, names);
  return { damaged, config, source, bytes, unsigned, tensors, value, text };
}
