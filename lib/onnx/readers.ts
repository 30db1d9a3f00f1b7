// Which operator reads which ONNX node: the readers that the operators' files offer, in one table.

import { readers as activations } from '../ops/activation.js';
import { readers as arithmetic } from '../ops/arithmetic.js';
import { readers as comparisons } from '../ops/compare.js';
import { readers as composedActivations } from '../ops/composed-activation.js';
import { readers as concatenation } from '../ops/concat.js';
import { readers as convolution } from '../ops/convolution.js';
import { readers as depth } from '../ops/depth.js';
import { readers as einsum } from '../ops/einsum.js';
import { readers as expansion } from '../ops/expand.js';
import { readers as gathering } from '../ops/gather.js';
import { readers as groupNorm } from '../ops/group-norm.js';
import { readers as identity } from '../ops/identity.js';
import { readers as layerNorm } from '../ops/layer-norm.js';
import { readers as localResponse } from '../ops/local-response.js';
import { readers as normalization } from '../ops/normalization.js';
import { readers as linear } from '../ops/onnx-gemm.js';
import { readers as matmul } from '../ops/onnx-matmul.js';
import { readers as padding } from '../ops/onnx-pad.js';
import type { OnnxReader } from '../ops/onnx-reader.js';
import { readers as sums } from '../ops/onnx-sum.js';
import { readers as pooling } from '../ops/pooling.js';
import { readers as prelu } from '../ops/prelu.js';
import { readers as reduction } from '../ops/reduce.js';
import { readers as reshaping } from '../ops/reshape.js';
import { readers as resampling } from '../ops/resize.js';
import { readers as slicing } from '../ops/slice.js';
import { readers as softmax } from '../ops/softmax.js';
import { readers as transposition } from '../ops/transpose.js';

const tables = [
  activations,
  arithmetic,
  comparisons,
  composedActivations,
  concatenation,
  convolution,
  depth,
  einsum,
  expansion,
  gathering,
  groupNorm,
  identity,
  layerNorm,
  linear,
  localResponse,
  matmul,
  normalization,
  padding,
  pooling,
  prelu,
  reduction,
  reshaping,
  resampling,
  slicing,
  softmax,
  sums,
  transposition,
];

/** By ONNX operator name, of the default domain. */
export const onnxReaders: ReadonlyMap<string, OnnxReader> = new Map(
  tables.flatMap((table) => Object.entries(table)),
);
