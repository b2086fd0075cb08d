import * as tf from "@tensorflow/tfjs-core";

/**
 * Registers the gradients of the few ops that `reference.ts` differentiates through, unless they are registered already. In Node,
 * `@tensorflow/tfjs-core` has no gradients: no file that Node can load contains its `register_all_gradients`. logSoftmax brings its own.
 */
export function registerGradients(): void {
  for (const config of CONFIGS) {
    // Its type leaves out that it is undefined for a kernel that nobody registered.
    const known = tf.getGradient(config.kernelName) as tf.GradConfig | undefined;
    if (known === undefined) tf.registerGradient(config);
  }
}

const CONFIGS: readonly tf.GradConfig[] = [
  {
    kernelName: tf.Sub,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return { a: () => reduceTo(dy as tf.Tensor, a), b: () => reduceTo(tf.neg(dy as tf.Tensor), b) };
    },
  },
  {
    kernelName: tf.Multiply,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => reduceTo(tf.mul(dy as tf.Tensor, b), a),
        b: () => reduceTo(tf.mul(dy as tf.Tensor, a), b),
      };
    },
  },
  {
    kernelName: tf.Sum,
    inputsToSave: ["x"],
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [tf.Tensor];
      const axes = tf.util.parseAxisParam((attributes as unknown as tf.SumAttrs).axis, x.shape);
      const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      return { x: () => tf.mul(tf.reshape(dy as tf.Tensor, kept), tf.onesLike(x)) };
    },
  },
  {
    kernelName: tf.Exp,
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({ x: () => tf.mul(dy as tf.Tensor, saved[0]!) }),
  },
  {
    kernelName: tf.Softplus,
    inputsToSave: ["x"],
    gradFunc: (dy, saved) => ({ x: () => tf.mul(dy as tf.Tensor, tf.sigmoid(saved[0]!)) }),
  },
];

/** Sums a gradient over the axes along which its operand was broadcast. */
function reduceTo(gradient: tf.Tensor, operand: tf.Tensor): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(operand.shape, gradient.shape);
  return tf.reshape(tf.sum(gradient, axes), operand.shape);
}
