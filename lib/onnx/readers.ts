// Which operator reads which ONNX node: the readers that the operators' files offer, in one table.

import { readers as activations } from '../ops/activation.js';
import { readers as concatenation } from '../ops/concat.js';
import { readers as convolution } from '../ops/convolution.js';
import { readers as identity } from '../ops/identity.js';
import { readers as linear } from '../ops/linear.js';
import { readers as normalization } from '../ops/normalization.js';
import type { OnnxReaders } from '../ops/onnx-reader.js';
import { readers as pooling } from '../ops/pooling.js';
import { readers as reshaping } from '../ops/reshape.js';
import { readers as resampling } from '../ops/resize.js';
import { readers as sums } from '../ops/sum.js';

/** By ONNX operator name, of the default domain. */
export const onnxReaders: OnnxReaders = {
  ...activations,
  ...concatenation,
  ...convolution,
  ...identity,
  ...linear,
  ...normalization,
  ...pooling,
  ...reshaping,
  ...resampling,
  ...sums,
};
