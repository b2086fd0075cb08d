import type * as tfjs from "@tensorflow/tfjs-core";
import { loadTf, type Tensor, type Tf, type TfBackend } from "../src/index.js";

/** TensorFlow.js with all that it has; the package's types tell of the ops that encoders use. */
export async function loadTfjs(preferred?: TfBackend): Promise<typeof tfjs> {
  return whole(await loadTf(preferred));
}

export function whole(tf: Tf): typeof tfjs {
  return tf as unknown as typeof tfjs;
}

export function real(x: Tensor): tfjs.Tensor {
  return x as unknown as tfjs.Tensor;
}
