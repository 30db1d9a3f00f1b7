// All operators, one factory each. Gradient operators stay with the operators they belong to.

export { clip, gelu, hardSigmoid, hardSwish, leakyRelu, relu, sigmoid, silu, tanh } from './activation.js';
export { concat, split } from './concat.js';
export { conv, type Convolution } from './convolution.js';
export { linear } from './linear.js';
export { softmaxCrossEntropy, type CrossEntropy } from './loss.js';
export { batchNorm, type BatchNorm } from './normalization.js';
export { averagePool, globalAveragePool, maxPool, type AveragePooling, type MaxPooling } from './pooling.js';
export { flatten, reshape, squeeze, unsqueeze } from './reshape.js';
export { resize, type Resize } from './resize.js';
export { pad, slice, type Pad, type Slice } from './slice.js';
export { sum } from './sum.js';
export type { Padding, Pair } from './window.js';
