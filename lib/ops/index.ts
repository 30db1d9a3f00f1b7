// All operators, one factory each. Gradient operators stay with the operators they belong to.

export {
  abs,
  affine,
  celu,
  clip,
  elu,
  erf,
  exp,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  mish,
  power,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  softsign,
  sqrt,
  tanh,
} from './activation.js';
export { add, divide, multiply, subtract } from './arithmetic.js';
export { greater, greaterOrEqual, maximum, minimum, reject, select } from './compare.js';
export { concat, split } from './concat.js';
export { conv, type Convolution } from './convolution.js';
export { expand } from './expand.js';
export { layerNorm, type LayerNorm } from './layer-norm.js';
export { linear, type Linear } from './linear.js';
export { softmaxCrossEntropy, type CrossEntropy } from './loss.js';
export { matmul } from './matmul.js';
export { batchNorm, type BatchNorm } from './normalization.js';
export { pad, type Pad } from './pad.js';
export {
  averagePool,
  globalAveragePool,
  maxPool,
  type AveragePooling,
  type MaxPooling,
  type Pooling,
  type PoolingOptions,
} from './pooling.js';
export { prelu } from './prelu.js';
export { reduceMean, reduceSum, type Reduction } from './reduce.js';
export { flatten, reshape, squeeze, unsqueeze } from './reshape.js';
export { resize, type Resize } from './resize.js';
export { slice, type Slice } from './slice.js';
export { softmax } from './softmax.js';
export { sum, type Sum } from './sum.js';
export { transpose } from './transpose.js';
export type { Padding, Pair } from './window.js';
