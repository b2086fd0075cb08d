// One call of a kernel on the native engine: bce(batch, K, stride, scores, ...) over an array of exactly its size.
import { createKernels } from "@mulde/kernels";

const kernels = await createKernels({ engine: "native", threads: 2 });
const scores = kernels.engine.float32(4 * 5);
kernels.bce(4, 5, scores, { positiveWeight: 1, negativeWeight: 1, adversarial: 0 }, scores);
