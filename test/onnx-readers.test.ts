// Every form in which an ONNX node is read, against onnxruntime on the file itself. Ours is the float64
// reference interpreter on the imported network; single precision with sums of at most some hundred
// terms stays within 1e-5 of the largest value.

import test from 'ava';
import { type Graph } from '../lib/graph.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { onnxReaders } from '../lib/onnx/readers.js';
import { elementType, type NodeProto, type TensorProto } from '../lib/onnx/schema.js';
import { unsupported } from '../lib/ops/opaque.js';
import { random } from '../lib/random.js';
import { elements, type Shape } from '../lib/shape.js';
import { initialWeights } from '../lib/weights.js';
import { noise, relativeDifference, runOnnx, runReference, type Contents } from './onnx-tools.js';
import {
  booleans,
  floats,
  int64s,
  modelBytes,
  node,
  untyped,
  value,
  type AttributeValue,
} from './onnx-models.js';

const TOLERANCE = 1e-5;

interface ReaderCase {
  readonly title: string;
  readonly op: string;
  /** Shapes of data inputs, in order, ahead of the constants; null where an input is absent. */
  readonly data: readonly Shape[];
  /** Inputs in the node's order: a data input by number, a constant, or ''. */
  readonly inputs: readonly (number | TensorProto | '')[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly outputs: number;
  /** Whether the results are flags, which are made numbers. */
  readonly flags?: boolean;
  readonly opset: number;
}

type Options = Partial<Omit<ReaderCase, 'title' | 'op'>>;

const image: Shape = [1, 4, 6, 5];

/** One image through `op`, unless `options` say otherwise. */
const of = (title: string, op: string, options: Options = {}): ReaderCase => ({
  title,
  op,
  data: [image],
  inputs: [0],
  attributes: {},
  outputs: 1,
  opset: 17,
  ...options,
});

/** Distinct, smooth contents in [-1, 1]; `offset` moves them. */
function weight(name: string, shape: Shape, offset = 0): TensorProto {
  const stream = random(11, elements(shape));
  const data = Array.from({ length: elements(shape) }, () => offset + 2 * stream.uniform() - 1);
  return floats(name, shape, data);
}

const numbers = (name: string, ...data: number[]): TensorProto => int64s(name, [data.length], data);
const scalar = (name: string, x: number): TensorProto => floats(name, [], [x]);
const norm = ['scale', 'bias', 'mean'].map((name) => weight(name, [4]));
const flags = (name: string, shape: Shape): TensorProto =>
  booleans(
    name,
    shape,
    Array.from({ length: elements(shape) }, (_, index) => (index % 3 === 1 ? 1 : 0)),
  );
const kernel = weight('w', [6, 4, 3, 3]);

const cases: readonly ReaderCase[] = [
  of('along two axes', 'Expand', { data: [[2, 1, 3, 1]], inputs: [0, numbers('s', 1, 4, 1, 5)] }),
  of('with an axis in front', 'Expand', { data: [[1, 3]], inputs: [0, numbers('s', 2, 1, 3)] }),
  of('that changes nothing', 'Expand', { data: [[2, 3]], inputs: [0, numbers('s', 1, 3)] }),
  of('axes as attribute', 'ReduceL2', { attributes: { axes: [-1] } }),
  of('axes as input', 'ReduceL2', {
    inputs: [0, numbers('a', 2, 3)],
    attributes: { keepdims: 0 },
    opset: 18,
  }),
  ...['Relu', 'Sigmoid', 'Tanh', 'HardSwish', 'HardSigmoid', 'LeakyRelu', 'Erf', 'Exp', 'Neg'].map((op) =>
    of('plain', op),
  ),
  ...['Abs', 'Elu', 'Selu', 'Celu', 'Softplus', 'Softsign'].map((op) => of('plain', op)),
  of('alpha', 'Elu', { attributes: { alpha: { float: 0.4 } } }),
  of('alpha and gamma', 'Selu', { attributes: { alpha: { float: 1.5 }, gamma: { float: 0.8 } } }),
  of('alpha', 'Celu', { attributes: { alpha: { float: 2.5 } } }),
  of('plain', 'Mish', { opset: 18 }),
  of('one slope', 'PRelu', { inputs: [0, floats('slope', [1, 1, 1], [0.3])] }),
  of('a slope a channel', 'PRelu', { inputs: [0, weight('slope', [4, 1, 1])] }),
  of('of a matrix', 'PRelu', { data: [[3, 4]], inputs: [0, weight('slope', [4])] }),
  of('a computed slope', 'PRelu', { data: [image, [1, 4, 1, 1]], inputs: [0, 1] }),
  of('channels', 'LogSoftmax', { attributes: { axis: 1 } }),
  of('last axis', 'LogSoftmax', { data: [[3, 4]] }),
  of('of two', 'Greater', { data: [image, image], inputs: [0, 1], flags: true }),
  of('of a number', 'GreaterOrEqual', { inputs: [scalar('c', 0.3), 0], flags: true }),
  of('of a number', 'Less', { inputs: [0, scalar('c', 0.3)], flags: true }),
  of('of two', 'LessOrEqual', { data: [image, [1, 1, 1, 5]], inputs: [0, 1], flags: true }),
  of('computed on one side', 'Where', { inputs: [flags('f', [4, 1, 1]), scalar('c', 2), 0] }),
  of('nothing on the other', 'Where', { inputs: [flags('f', [6, 5]), 0, scalar('c', 0)] }),
  of('a number beside', 'Where', { inputs: [flags('f', [6, 1]), 0, scalar('c', -3)] }),
  of('computed on both sides', 'Where', { data: [image, image], inputs: [flags('f', [6, 5]), 0, 1] }),
  of('slope', 'LeakyRelu', { attributes: { alpha: { float: 0.3 } } }),
  of('slope and offset', 'HardSigmoid', { attributes: { alpha: { float: 0.3 }, beta: { float: 0.6 } } }),
  of('both bounds', 'Clip', { inputs: [0, scalar('low', -0.5), scalar('high', 0.7)] }),
  of('upper bound', 'Clip', { inputs: [0, '', scalar('high', 0.7)] }),
  of('lower bound', 'Clip', { inputs: [0, scalar('low', -0.5)] }),
  of('exact', 'Gelu', { opset: 20 }),
  of('by tanh', 'Gelu', { attributes: { approximate: 'tanh' }, opset: 20 }),
  of('of squares', 'Pow', { inputs: [0, scalar('e', 2)] }),
  of('plain', 'Reciprocal'),
  of('plain', 'Identity'),
  of('at inference', 'Dropout'),
  of('between floats', 'CastLike', { data: [image, [1]], inputs: [0, 1] }),
  of('to float', 'Cast', { attributes: { to: elementType.float } }),
  of('padded on two sides', 'Conv', {
    inputs: [0, kernel, weight('b', [6])],
    attributes: { pads: [1, 0, 1, 2], strides: [2, 1] },
  }),
  of('same upper', 'Conv', { inputs: [0, kernel], attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] } }),
  of('same lower', 'Conv', {
    inputs: [0, weight('w', [4, 4, 2, 2])],
    attributes: { auto_pad: 'SAME_LOWER' },
  }),
  of('valid', 'Conv', { inputs: [0, kernel], attributes: { auto_pad: 'VALID' } }),
  of('grouped and dilated', 'Conv', {
    inputs: [0, weight('w', [6, 2, 2, 2])],
    attributes: { group: 2, dilations: [2, 1] },
  }),
  of('depthwise', 'Conv', { inputs: [0, weight('w', [4, 1, 3, 3])], attributes: { group: 4 } }),
  of('weight as stored by PyTorch', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [5, 3]), weight('b', [5])],
    attributes: { transB: 1 },
  }),
  of('weight the other way round', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [3, 5]), weight('b', [1, 5])],
  }),
  of('no bias', 'Gemm', { data: [[2, 3]], inputs: [0, weight('w', [3, 5])] }),
  of('scaled', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [3, 5]), weight('b', [5])],
    attributes: { alpha: { float: 0.5 }, beta: { float: -2 } },
  }),
  of('without what it says to leave out', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [3, 5]), weight('b', [2, 5])],
    attributes: { beta: { float: 0 } },
  }),
  of('one number for all outputs', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [3, 5]), scalar('b', 2)],
  }),
  of('one scaled number for all outputs', 'Gemm', {
    data: [[2, 3]],
    inputs: [0, weight('w', [3, 5]), weight('b', [1, 1])],
    attributes: { beta: { float: 3 } },
  }),
  of('rows by a constant', 'MatMul', { data: [[2, 3]], inputs: [0, weight('w', [3, 5])] }),
  of('tokens by a constant', 'MatMul', { data: [[1, 4, 3]], inputs: [0, weight('w', [3, 5])] }),
  of('attention scores', 'Einsum', {
    data: [
      [1, 2, 4, 3],
      [1, 2, 5, 3],
    ],
    inputs: [0, 1],
    attributes: { equation: 'b h i d, b h j d -> b h i j' },
  }),
  of('axes out of order', 'Einsum', {
    data: [
      [1, 4, 2, 3],
      [1, 5, 3, 2],
    ],
    inputs: [0, 1],
    attributes: { equation: 'bihd,bjdh->bjih' },
  }),
  of('of all pixels', 'Einsum', {
    data: [image, image],
    inputs: [0, 1],
    attributes: { equation: 'bchw,bchw->bc' },
  }),
  of('of everything', 'Einsum', { data: [[3], [3]], inputs: [0, 1], attributes: { equation: 'i,i->' } }),
  of('channels by a constant', 'Einsum', {
    inputs: [0, weight('w', [7, 4])],
    attributes: { equation: 'bchw,oc->bohw' },
  }),
  of('a row by a matrix', 'MatMul', { data: [[3], [3, 5]], inputs: [0, 1] }),
  of('two computed stacks', 'MatMul', {
    data: [
      [1, 2, 4, 3],
      [1, 2, 3, 5],
    ],
    inputs: [0, 1],
  }),
  of('inference', 'BatchNormalization', {
    inputs: [0, ...norm, weight('var', [4], 2)],
    attributes: { epsilon: { float: 1e-3 } },
  }),
  of('plain', 'LayerNormalization', { data: [[1, 3, 8]], inputs: [0, weight('s', [8]), weight('b', [8])] }),
  of('without a bias', 'LayerNormalization', { data: [[1, 3, 8]], inputs: [0, weight('s', [8])] }),
  of('by one number', 'LayerNormalization', {
    data: [[1, 3, 8]],
    inputs: [0, weight('s', [1]), weight('b', [8])],
  }),
  of('by scales that repeat', 'LayerNormalization', {
    data: [[1, 3, 8]],
    inputs: [0, weight('s', [3, 1]), weight('b', [1, 8])],
    attributes: { axis: 1 },
  }),
  of('of images', 'InstanceNormalization', {
    inputs: [0, ...norm.slice(0, 2)],
    attributes: { epsilon: { float: 1e-3 } },
  }),
  of('of rows', 'InstanceNormalization', { data: [[1, 4, 7]], inputs: [0, ...norm.slice(0, 2)] }),
  of('scaled by channels', 'GroupNormalization', {
    inputs: [0, ...norm.slice(0, 2)],
    attributes: { num_groups: 2, epsilon: { float: 1e-3 } },
    opset: 21,
  }),
  of('scaled by groups', 'GroupNormalization', {
    inputs: [0, weight('s', [2]), weight('b', [2])],
    attributes: { num_groups: 2 },
    opset: 18,
  }),
  of('windows', 'MaxPool', { attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] } }),
  of('partial windows', 'MaxPool', { attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } }),
  of('dilated', 'MaxPool', { attributes: { kernel_shape: [2, 2], dilations: [2, 3] } }),
  of('same upper', 'MaxPool', {
    attributes: { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
  }),
  of('without padding', 'AveragePool', { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } }),
  of('with padding', 'AveragePool', {
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
  }),
  of('over depth', 'AveragePool', {
    data: [[1, 2, 5, 3, 2]],
    attributes: { kernel_shape: [3, 1, 1], pads: [1, 0, 0, 1, 0, 0], count_include_pad: 1 },
  }),
  of('plain', 'GlobalAveragePool'),
  of('plain', 'GlobalMaxPool'),
  of('of pixels', 'ReduceMean', { attributes: { axes: [2, -1], keepdims: 1 } }),
  of('of pixels, dropped', 'ReduceMean', { attributes: { axes: [2, 3], keepdims: 0 } }),
  of('axes as an input', 'ReduceMean', { inputs: [0, numbers('axes', 1)], opset: 18 }),
  of('axes as an input', 'ReduceSum', { inputs: [0, numbers('axes', 3)], attributes: { keepdims: 0 } }),
  of('of rows', 'ReduceL1', { attributes: { axes: [3], keepdims: 0 } }),
  of('of channels', 'ReduceSumSquare', { attributes: { axes: [1] } }),
  of('axes as input', 'ReduceSumSquare', { inputs: [0, numbers('a', 2, 3)], opset: 18 }),
  of('of pixels', 'ReduceMax', { attributes: { axes: [-1, 2] } }),
  of('of pixels, dropped', 'ReduceMax', { attributes: { axes: [2, 3], keepdims: 0 } }),
  of('of rows', 'ReduceMax', { inputs: [0, numbers('axes', 3)], attributes: { keepdims: 0 }, opset: 18 }),
  of('of channels', 'ReduceMax', { attributes: { axes: [1] } }),
  of('of channels', 'ReduceMin', { attributes: { axes: [1, 2], keepdims: 0 } }),
  of('of tokens', 'ReduceMax', { data: [[1, 5, 3]], attributes: { axes: [1], keepdims: 0 } }),
  of('of three', 'Max', { data: [image, image, [1, 4, 1, 1]], inputs: [0, 1, 2] }),
  of('with a number', 'Max', { inputs: [scalar('c', 0.3), 0] }),
  of('of two', 'Min', { data: [image, image], inputs: [0, 1] }),
  of('with a number and a vector', 'Min', { inputs: [0, scalar('c', 0.3), weight('v', [5])] }),
  of('last axis', 'Softmax'),
  of('channels', 'Softmax', { attributes: { axis: 1 } }),
  of('before operator set 13', 'Softmax', { data: [[3, 4]], opset: 12 }),
  of('reversed', 'Transpose', { data: [[3, 4]] }),
  of('permuted', 'Transpose', { attributes: { perm: [0, 2, 3, 1] } }),
  of('of equal shapes', 'Add', { data: [image, image], inputs: [0, 1] }),
  of('of a channel vector', 'Add', { inputs: [weight('c', [4, 1, 1]), 0] }),
  of('of a number', 'Add', { inputs: [0, scalar('c', 0.3)] }),
  of('of several', 'Sum', { data: [image, image, image], inputs: [0, 1, 2] }),
  of('that broadcast', 'Sum', { data: [image, [1, 4, 1, 1]], inputs: [1, 0, weight('c', [6, 1])] }),
  of('of several', 'Mean', { data: [image, image, image], inputs: [0, 1, 2] }),
  of('that broadcast', 'Mean', { data: [image, [1, 1, 1, 5]], inputs: [0, 1] }),
  of('gates', 'Mul', { data: [image, [1, 4, 1, 1]], inputs: [0, 1] }),
  of('by a number', 'Mul', { inputs: [scalar('c', 0.3), 0] }),
  of('by a trained number', 'Mul', { inputs: [0, floats('gate', [1], [0.3])] }),
  of('from a number', 'Sub', { inputs: [scalar('c', 0.3), 0] }),
  of('a number', 'Sub', { inputs: [0, floats('c', [1, 1], [0.3])] }),
  of('of two', 'Sub', { data: [image, [1, 1, 1, 5]], inputs: [0, 1] }),
  of('by a number', 'Div', { inputs: [0, scalar('c', 7)] }),
  of('of a number', 'Div', { inputs: [scalar('c', 7), 0] }),
  of('of one', 'Div', { inputs: [scalar('c', 1), 0] }),
  of('by a constant', 'Div', { inputs: [0, weight('c', [5], 3)] }),
  of('channels', 'Concat', { data: [image, [1, 2, 6, 5]], inputs: [0, 1], attributes: { axis: -3 } }),
  of('with nothing', 'Concat', { inputs: [0, weight('c', [1, 0, 6, 5])], attributes: { axis: 1 } }),
  of('with nothing between', 'Concat', {
    data: [image, image],
    inputs: [0, weight('c', [1, 0, 6, 5]), 1],
    attributes: { axis: 1 },
  }),
  of('with a constant', 'Concat', { inputs: [0, weight('c', [1, 1, 6, 5])], attributes: { axis: 1 } }),
  of('by sizes', 'Split', { inputs: [0, numbers('sizes', 1, 3)], attributes: { axis: 1 }, outputs: 2 }),
  of('in equal parts', 'Split', { attributes: { axis: 2 }, outputs: 3 }),
  of('in unequal parts', 'Split', { attributes: { axis: 3, num_outputs: 2 }, outputs: 2, opset: 18 }),
  of('sizes as an attribute', 'Split', { attributes: { axis: 3, split: [2, 3] }, outputs: 2, opset: 12 }),
  of('plain', 'Flatten'),
  of('late axis', 'Flatten', { attributes: { axis: -1 } }),
  of('copying and deducing', 'Reshape', { inputs: [0, numbers('shape', 0, 2, -1)] }),
  of('fixed batch', 'Reshape', { inputs: [0, numbers('shape', 1, 2, 2, 30)] }),
  of('one axis', 'Squeeze', { data: [[1, 4, 1, 3]], inputs: [0, numbers('axes', -2)] }),
  of('whatever is one', 'Squeeze', { data: [[2, 1, 3, 1]] }),
  of('axes as an attribute', 'Squeeze', { data: [[1, 4, 1, 3]], attributes: { axes: [2] }, opset: 12 }),
  of('two axes', 'Unsqueeze', { data: [[1, 4]], inputs: [0, numbers('axes', 2, -1)] }),
  of('back to front', 'Slice', {
    inputs: [0, numbers('s', -1, 0), numbers('e', -9, 3), numbers('a', 2, 1), numbers('d', -2, 1)],
  }),
  of('everything', 'Slice', { inputs: [0, numbers('s', 0), numbers('e', 2 ** 31), numbers('a', 1)] }),
  of('all images and some rows', 'Slice', {
    inputs: [0, numbers('s', 0, 1), numbers('e', 2 ** 31 - 1, 4), numbers('a', 0, 2)],
  }),
  of('an axis that held the batch', 'Slice', {
    data: [[1, 1, 4, 3]],
    inputs: [0, numbers('s', 0), numbers('e', 1), numbers('a', 1)],
  }),
  of('around images', 'Pad', { inputs: [0, numbers('p', 0, 0, 1, 2, 0, 0, 0, 1), scalar('c', 0.5)] }),
  of('by less than nothing', 'Pad', {
    inputs: [0, numbers('p', 0, 0, -1, 2, 0, 0, 1, -2), scalar('c', 0.5)],
  }),
  of('by cuts alone', 'Pad', { inputs: [0, numbers('p', 0, -1, 0, -2, 0, 0, -1, 0)] }),
  of('reflected', 'Pad', {
    inputs: [0, numbers('p', 0, 0, 2, 1, 0, 0, 0, 3)],
    attributes: { mode: 'reflect' },
  }),
  of('repeated', 'Pad', { inputs: [0, numbers('p', 0, 1, 2, 0, 0, 0, 1, 3)], attributes: { mode: 'edge' } }),
  of('wrapped around', 'Pad', {
    inputs: [0, numbers('p', 0, 0, 2, 0, 0, 0, 1, 3)],
    attributes: { mode: 'wrap' },
    opset: 19,
  }),
  of('by nothing', 'Pad', { inputs: [0, numbers('p', 0, 0, 0, 0, 0, 0, 0, 0)] }),
  of('listed axes', 'Pad', { inputs: [0, numbers('p', 1, 2), '', numbers('axes', -1)], opset: 18 }),
  of('blocks of channels', 'DepthToSpace', { attributes: { blocksize: 2 } }),
  of('channels in blocks', 'DepthToSpace', {
    data: [[1, 8, 3, 2]],
    attributes: { blocksize: 2, mode: 'CRD' },
    opset: 13,
  }),
  of('blocks of pixels', 'SpaceToDepth', { data: [[1, 3, 4, 6]], attributes: { blocksize: 2 } }),
  of('along two axes', 'Tile', { inputs: [0, numbers('r', 1, 2, 1, 3)] }),
  of('of one row', 'Tile', { data: [[1, 4, 1, 3]], inputs: [0, numbers('r', 1, 1, 200, 1)] }),
  of('three channels', 'LRN', { attributes: { size: 3, alpha: { float: 0.5 } } }),
  of('of more than there are', 'LRN', {
    attributes: { size: 5, alpha: { float: 0.5 }, beta: { float: 0.5 }, bias: { float: 2 } },
  }),
  of('one position', 'Gather', { inputs: [0, int64s('i', [], [-1])], attributes: { axis: 1 } }),
  of('a run', 'Gather', { inputs: [0, numbers('i', 1, 2)], attributes: { axis: 2 } }),
  of('a run in two axes', 'Gather', {
    inputs: [0, int64s('i', [2, 2], [0, 1, 2, 3])],
    attributes: { axis: 2 },
  }),
  of('channels in any order', 'Gather', {
    inputs: [0, numbers('i', 3, 1, 2, 0, -1)],
    attributes: { axis: 1 },
  }),
  of('every other row', 'Gather', { inputs: [0, numbers('i', 1, 3, 5)], attributes: { axis: 2 } }),
  of('windows of rows', 'Gather', {
    inputs: [0, int64s('i', [2, 3], [0, 2, 4, 1, 3, 5])],
    attributes: { axis: 2 },
  }),
  of('many positions', 'Gather', {
    inputs: [0, numbers('i', ...Array.from({ length: 90 }, (_, k) => (k * k * 7) % 6))],
    attributes: { axis: 2 },
  }),
  of('everything in four axes', 'Gather', {
    data: [[1, 6]],
    inputs: [0, int64s('i', [1, 6, 1, 1], [0, 1, 2, 3, 4, 5])],
    attributes: { axis: 1 },
  }),
  of('nearest, like PyTorch', 'Resize', {
    inputs: [0, '', floats('s', [4], [1, 1, 2, 2])],
    attributes: { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  }),
  of('nearest', 'Resize', { inputs: [0, '', floats('s', [4], [1, 1, 3, 2])] }),
  of('linear to sizes', 'Resize', {
    inputs: [0, '', '', numbers('n', 1, 4, 9, 10)],
    attributes: { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
  }),
  of('linear between corners', 'Resize', {
    inputs: [0, '', '', numbers('n', 1, 4, 12, 9)],
    attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  }),
  of('listed axes', 'Resize', {
    inputs: [0, '', floats('s', [2], [2, 2])],
    attributes: { axes: [2, 3], mode: 'linear' },
    opset: 18,
  }),
  of('to sizes that are not to be exceeded', 'Resize', {
    inputs: [0, '', '', numbers('n', 18, 10)],
    attributes: { axes: [2, 3], mode: 'linear', keep_aspect_ratio_policy: 'not_larger' },
    opset: 18,
  }),
  of('to sizes that are to be reached', 'Resize', {
    inputs: [0, '', '', numbers('n', 10, 9)],
    attributes: { axes: [3, 2], mode: 'linear', keep_aspect_ratio_policy: 'not_smaller' },
    opset: 18,
  }),
];

/** Operators that are defined only for positive numbers here. */
const positive: readonly ReaderCase[] = [
  ...['Log', 'Sqrt'].map((op) => of('plain', op)),
  of('of channels', 'ReduceLogSum', { attributes: { axes: [1] } }),
];

function bytesOf(c: ReaderCase): Uint8Array {
  const constants = c.inputs.filter((input) => typeof input === 'object');
  const names = c.inputs.map((input) =>
    typeof input === 'number' ? `x${input}` : input === '' ? '' : (input.name ?? ''),
  );
  const outputs = Array.from({ length: c.outputs }, (_, index) => `y${index}`);
  const made = c.flags ? outputs.map((name) => `flags of ${name}`) : outputs;
  const casts = outputs.map((name, k) => node('Cast', [made[k] ?? ''], [name], { to: elementType.float }));
  return modelBytes({
    inputs: c.data.map((shape, index) => value(`x${index}`, shape)),
    nodes: [node(c.op, names, made, c.attributes), ...(c.flags ? casts : [])],
    outputs: outputs.map((name) => untyped(name)),
    constants,
    opset: c.opset,
  });
}

/** Largest difference over all outputs; `map` keeps inputs in the operator's domain. */
async function difference(c: ReaderCase, map: (x: number) => number): Promise<number> {
  const bytes = bytesOf(c);
  const graph = fromOnnx(bytes);
  const data = Object.fromEntries(
    Object.entries(noise(graph, graph.inputs[0]?.type.shape[0] ?? 1)).map(
      ([name, { shape, data }]) => [name, { shape, data: data.map(map) }] as const,
    ),
  );
  return differenceFromFile(graph, bytes, data);
}

/** Between the network as it was read and onnxruntime on its file. */
async function differenceFromFile(graph: Graph, bytes: Uint8Array, data: Contents): Promise<number> {
  const expected = await runOnnx(bytes, data);
  const actual = runReference(graph, initialWeights(graph, 0), data);
  return Math.max(...expected.map((values, index) => relativeDifference(actual[index] ?? [], values)));
}

for (const [list, map] of [
  [cases, (x: number) => x],
  [positive, (x: number) => Math.abs(x) + 0.1],
] as const) {
  for (const c of list) {
    test(`${c.op}, ${c.title}, is read as onnxruntime computes it (operator set ${c.opset})`, async (t) => {
      const found = await difference(c, map);
      t.true(found < TOLERANCE, `relative difference ${found}`);
    });
  }
}

/** Rows of a matrix that trained weights make of a constant one, as Swin's second version has them. */
const ofTable = (op: string, positions: TensorProto): Uint8Array =>
  modelBytes({
    inputs: [value('x', ['N', 3, 2, 4])],
    nodes: [
      node('MatMul', ['coordinates', 'w'], ['table']),
      node(op, ['table', 'i'], ['rows']),
      node('Mul', ['x', 'rows'], ['y']),
    ],
    constants: [weight('coordinates', [5, 2]), weight('w', [2, 4]), positions],
    outputs: [untyped('y')],
  });

const tables = [
  ['Gather', int64s('i', [3, 2], [4, 0, 0, 2, -1, 1])],
  ['GatherND', int64s('i', [3, 2, 1], [4, 0, 0, 2, -1, 1])],
] as const;

for (const [op, positions] of tables) {
  test(`${op} takes rows of a computed matrix at any batch size, and the matrix is trained`, async (t) => {
    const bytes = ofTable(op, positions);
    const graph = fromOnnx(bytes);
    t.true((await differenceFromFile(graph, bytes, noise(graph, 3))) < TOLERANCE);
    t.deepEqual(
      graph.parameters.filter((p) => p.trainable).map((p) => p.name),
      ['w'],
    );
  });
}

/** Pixels of images whose batch is behind them, as the newer exporter of PyTorch writes adaptive pooling. */
const ofPixels = (positions: TensorProto): Uint8Array =>
  modelBytes({
    inputs: [value('x', image)],
    nodes: [
      node('Transpose', ['x'], ['pixels'], { perm: [2, 3, 0, 1] }),
      node('GatherND', ['pixels', 'i'], ['y']),
    ],
    constants: [positions],
    outputs: [untyped('y')],
  });

/** The pairs of every row and every column. */
const grid = (rows: readonly number[], columns: readonly number[]): readonly number[] =>
  rows.flatMap((row) => columns.flatMap((column) => [row, column]));

const pixels = [
  ['a window', int64s('i', [2, 2, 3, 2], grid([0, 3, 2, 5], [1, -1, 3]))],
  ['rows', int64s('i', [3, 1], [5, 0, 2])],
] as const;

for (const [what, positions] of pixels) {
  test(`GatherND takes ${what} of pixels as onnxruntime takes them`, async (t) => {
    const bytes = ofPixels(positions);
    const graph = fromOnnx(bytes);
    t.true((await differenceFromFile(graph, bytes, noise(graph, 1))) < TOLERANCE);
  });
}

test('Gemm turns a first operand whose columns hold the batch', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', ['N', 3])],
    nodes: [node('Transpose', ['x'], ['columns']), node('Gemm', ['columns', 'w', 'b'], ['y'], { transA: 1 })],
    constants: [weight('w', [3, 5]), weight('b', [5])],
    outputs: [untyped('y')],
  });
  const graph = fromOnnx(bytes);
  t.true((await differenceFromFile(graph, bytes, noise(graph, 4))) < TOLERANCE);
});

test('Squeeze without axes leaves the batch, also of a file for one image', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', ['N', 3, 1, 1])],
    nodes: [node('Squeeze', ['x'], ['y'])],
    outputs: [untyped('y')],
  });
  const graph = fromOnnx(bytes);
  t.deepEqual(graph.outputs[0]?.type.shape, [1, 3]);
  t.is(await differenceFromFile(graph, bytes, noise(graph, 4)), 0);
});

test('what Where does not want may be no number', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', image)],
    nodes: [
      node('Pad', ['x', 'around'], ['wide']),
      node('Abs', ['wide'], ['size']),
      node('Log', ['size'], ['log']),
      node('Where', ['inside', 'log', 'zero'], ['left']),
      node('Where', ['outside', 'zero', 'log'], ['right']),
      node('Where', ['inside', 'log', 'left'], ['both']),
    ],
    constants: [
      numbers('around', 0, 0, 0, 0, 0, 0, 1, 0),
      booleans('inside', [7, 1], [1, 1, 1, 1, 1, 1, 0]),
      booleans('outside', [7, 1], [0, 0, 0, 0, 0, 0, 1]),
      scalar('zero', 0),
    ],
    outputs: ['left', 'right', 'both'].map((name) => untyped(name)),
  });
  const graph = fromOnnx(bytes);
  const data = noise(graph, 1);
  const expected = await runOnnx(bytes, data);
  const actual = runReference(graph, initialWeights(graph, 0), data);
  for (const [index, values] of expected.entries())
    t.true(relativeDifference(actual[index] ?? [], values) < TOLERANCE);
});

test('everything that one image has, listed along the axis of the batch, is everything of every image', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', [1, 6])],
    nodes: [
      node('Reshape', ['x', 'open'], ['row']),
      node('Gather', ['row', 'i'], ['taken']),
      node('Exp', ['taken'], ['y']),
    ],
    constants: [numbers('open', -1), int64s('i', [1, 6, 1, 1], [0, 1, 2, 3, 4, 5])],
    outputs: [untyped('y')],
  });
  const graph = fromOnnx(bytes);
  const three = noise(graph, 3);
  const data = three['x']?.data ?? new Float32Array();
  const apart = [0, 1, 2].map((image) =>
    runOnnx(bytes, { x: { shape: [1, 6], data: data.slice(6 * image, 6 * image + 6) } }),
  );
  const expected = (await Promise.all(apart)).flatMap(([one]) => Array.from(one ?? []));
  const [actual] = runReference(graph, initialWeights(graph, 0), three);
  t.true(relativeDifference(actual ?? [], expected) < TOLERANCE);
});

test('pixels that are no grid are refused', (t) => {
  const graph = fromOnnx(ofPixels(int64s('i', [2, 2], [0, 1, 1, 0])));
  t.is(unsupported(graph)[0]?.op.attrs['opaque'], 'its positions are no grid of one or two axes');
});

/** Second operands of a product with [N, 4, 6, 5], first ones where so said, and which of them are trained. */
const broadcasting: readonly (readonly [string, TensorProto, 'first'?])[] = [
  ['a matrix for each head', weight('w', [4, 5, 3])],
  ['a matrix for each head and no image', weight('w', [1, 4, 5, 3])],
  ['one matrix for all heads', weight('w', [1, 1, 5, 3])],
  ['more stacks than there were', weight('w', [2, 1, 4, 5, 3])],
  ['a column', weight('w', [5])],
  ['a matrix in front', weight('w', [2, 6]), 'first'],
  ['a matrix for each head in front', weight('w', [4, 2, 6]), 'first'],
  ['a row', weight('w', [6]), 'first'],
];

for (const [what, w, first] of broadcasting) {
  test(`MatMul with ${what} is read at any batch size`, async (t) => {
    const bytes = modelBytes({
      inputs: [value('x', ['N', 4, 6, 5])],
      nodes: [node('MatMul', first ? ['w', 'x'] : ['x', 'w'], ['y'])],
      constants: [w],
      outputs: [untyped('y')],
    });
    const graph = fromOnnx(bytes);
    t.true((await differenceFromFile(graph, bytes, noise(graph, 3))) < TOLERANCE);
    t.deepEqual(
      graph.parameters.map((p) => p.trainable),
      [first === undefined],
    );
  });
}

test('a product of operands that do not meet is damage', (t) => {
  const bytes = bytesOf(of('', 'MatMul', { data: [[1, 3, 2, 5]], inputs: [0, weight('w', [4, 5, 3])] }));
  const message = "MatMul 'MatMul_0': the operands have sizes 3 and 4 in axes that meet";
  t.throws(() => fromOnnx(bytes), { code: 'ERR_MODEL', message });
});

interface Sequence {
  /** None where the file gives none. */
  readonly sizes?: TensorProto;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Taken out, in this order. */
  readonly positions: readonly number[];
}

/** An image taken apart, and parts of it, as the newer exporter of PyTorch writes `chunk` and `split`. */
function ofSequence({ sizes, attributes, positions }: Sequence): Uint8Array {
  const taken = positions.map((at) => int64s(`at ${at}`, [], [at]));
  return modelBytes({
    inputs: [value('x', image)],
    nodes: [
      node('SplitToSequence', sizes ? ['x', 'sizes'] : ['x'], ['parts'], attributes),
      ...positions.map((at) => node('SequenceAt', ['parts', `at ${at}`], [`part ${at}`])),
      ...positions.map((at) => node('Exp', [`part ${at}`], [`y ${at}`])),
    ],
    constants: [...(sizes ? [sizes] : []), ...taken],
    outputs: positions.map((at) => untyped(`y ${at}`)),
  });
}

const sequences: readonly (readonly [string, Sequence])[] = [
  ['of listed sizes', { sizes: numbers('sizes', 1, 3), attributes: { axis: 1 }, positions: [0, 1] }],
  ['of one size', { sizes: int64s('sizes', [], [2]), attributes: { axis: 2 }, positions: [2, 0, 1] }],
  [
    'of one size, the last smaller',
    { sizes: int64s('sizes', [], [2]), attributes: { axis: -1 }, positions: [2, 1] },
  ],
  [
    'counted from the back',
    { sizes: numbers('sizes', 4, 1, 1), attributes: { axis: 2 }, positions: [-3, -1] },
  ],
  ['of every position', { attributes: { axis: 1 }, positions: [3, 1] }],
  ['without the axis', { attributes: { axis: 1, keepdims: 0 }, positions: [0, 2] }],
  [
    'of sizes, which leave the axis',
    { sizes: numbers('sizes', 1, 3), attributes: { axis: 1, keepdims: 0 }, positions: [0] },
  ],
];

for (const [what, sequence] of sequences) {
  test(`parts ${what} are taken from a sequence as onnxruntime takes them`, async (t) => {
    const bytes = ofSequence(sequence);
    const graph = fromOnnx(bytes);
    const data = noise(graph, 1);
    const expected = await runOnnx(bytes, data);
    const actual = runReference(graph, initialWeights(graph, 0), data);
    t.deepEqual(
      graph.outputs.map(({ type }) => elements(type.shape)),
      expected.map(({ length }) => length),
    );
    expected.forEach((values, index) => {
      t.true(relativeDifference(actual[index] ?? [], values) < TOLERANCE);
    });
  });
}

const inThrees = { sizes: int64s('sizes', [], [3]), attributes: { axis: 2 }, positions: [2] };

test('a position that a sequence does not have is refused', (t) => {
  const message = "SequenceAt 'SequenceAt_1': position 2 is not in a sequence of 2";
  t.throws(() => fromOnnx(ofSequence(inThrees)), { code: 'ERR_MODEL', message });
});

test('a weight that is computed of constants, but not while reading, is said to be', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', image)],
      nodes: [
        node('Elu', ['w'], ['bent'], {}, 'bend'),
        node('Neg', ['bent'], ['negative'], {}, 'turn'),
        node('Conv', ['x', 'negative'], ['y']),
      ],
      constants: [kernel],
      outputs: [untyped('y')],
    }),
  );
  t.is(
    unsupported(graph)[0]?.op.attrs['opaque'],
    "input 1 is computed of constants by 'bend', which is not folded",
  );
});

test('a sequence is not taken for a tensor', (t) => {
  const parts = node('SplitToSequence', ['x', 'sizes'], ['parts'], { axis: 2 });
  const constants = [inThrees.sizes];
  const read = (...nodes: readonly NodeProto[]) =>
    fromOnnx(modelBytes({ inputs: [value('x', image)], nodes: [parts, ...nodes], constants, outputs }));
  const outputs = [untyped('y')];
  const opaque = (...nodes: readonly NodeProto[]) => unsupported(read(...nodes))[0]?.op.attrs['opaque'];
  t.is(opaque(node('Relu', ['parts'], ['y'])), 'input 0 is a sequence');
  t.is(opaque(node('SequenceAt', ['x', 'sizes'], ['y'])), 'input 0 is not a sequence');
  t.is(opaque(node('SequenceLength', ['parts'], ['y'])), 'the operator is not known');
  t.throws(() => read({ ...parts, output: ['y'] }), {
    code: 'ERR_UNSUPPORTED',
    message: /'y' is a sequence of tensors/,
  });
});

test('every ONNX operator that is read has a case', (t) => {
  const tested = new Set<string>([
    ...[...cases, ...positive].map((c) => c.op),
    ...tables.map(([op]) => op),
    'SplitToSequence',
    'SequenceAt',
  ]);
  t.deepEqual(
    [...onnxReaders.keys()].filter((op) => !tested.has(op)),
    [],
  );
});

/** The parameters of a convolution whose bias is called so. */
const parametersWith = (bias: string): readonly string[] =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', image)],
      nodes: [node('ConstantOfShape', ['six'], ['computed']), node('Conv', ['x', 'w', bias], ['y'])],
      constants: [kernel, numbers('six', 6), floats('held', [6], [0, 0, 0, 0, 0, 0])],
      outputs: [untyped('y')],
    }),
  ).parameters.map(({ name }) => name);

test('a bias of zeros that the file computes is none, one that it holds is trained', (t) => {
  t.deepEqual(parametersWith('computed'), ['w']);
  t.deepEqual(parametersWith('held'), ['w', 'held']);
});

/** What the only node of the imported case says about why it is opaque. */
function reason(c: ReaderCase): string {
  const graph: Graph = fromOnnx(bytesOf(c));
  return String(unsupported(graph)[0]?.op.attrs['opaque']);
}

const ofBatch = 'it takes images of the batch';

for (const [c, expected] of [
  [
    of('', 'Conv', { data: [[1, 4, 6]], inputs: [0, weight('w', [2, 4, 3])] }),
    'only images of rank 4 are supported, its input has rank 3',
  ],
  [of('', 'Conv', { data: [image, [6, 4, 3, 3]], inputs: [0, 1] }), 'input 1 is not a constant'],
  [
    of('', 'Conv', { inputs: [0, kernel], attributes: { kernel_shape: [5, 5] } }),
    "its kernel_shape [5,5] is not its weight's",
  ],
  [
    of('', 'Gemm', { data: [[2, 3]], inputs: [0, weight('w', [3, 5]), weight('b', [2, 5])] }),
    'its third input is not one number for each output',
  ],
  [
    of('', 'MaxPool', { attributes: { kernel_shape: [2, 2] }, outputs: 2 }),
    'it also gives the positions of the maxima',
  ],
  [
    of('', 'MaxPool', { data: [[1, 2, 5]], attributes: { kernel_shape: [2] } }),
    'only images of rank 4 are supported, its input has rank 3',
  ],
  [
    of('', 'AveragePool', { attributes: { kernel_shape: [2, 2], dilations: [2, 2] }, opset: 19 }),
    'its window is dilated',
  ],
  [
    of('', 'AveragePool', { data: [[1, 2, 5, 3, 2]], attributes: { kernel_shape: [3, 1, 2] } }),
    'its windows have height or width, or steps',
  ],
  [
    of('', 'Einsum', { data: [image, image], inputs: [0, 1], attributes: { equation: 'bchw,bcij->bc' } }),
    "'bchw,bcij->bc' is no product of matrices",
  ],
  [of('', 'ReduceMean'), 'it reduces the batch too'],
  [of('', 'ReduceMax'), 'it reduces the batch too'],
  [of('', 'ReduceMax', { attributes: { axes: [1, 3] } }), 'its axes are not beside each other'],
  [of('', 'Softmax', { opset: 12 }), 'it takes several axes together'],
  [of('', 'Conv', { inputs: [0, int64s('w', [1, 4, 1, 1], [1, 2, 3, 4])] }), "its weight 'w' holds integers"],
  [of('', 'Flatten', { attributes: { axis: 0 } }), 'it mixes the batch with other axes'],
  [
    of('turned', 'Gemm', { data: [[3, 2]], inputs: [0, weight('w', [3, 5])], attributes: { transA: 1 } }),
    ofBatch,
  ],
  [of('', 'Reshape', { data: [image, [2]], inputs: [0, 1] }), 'its shape is not constant'],
  [
    of('', 'Pad', { inputs: [0, numbers('p', 0, 0, 1, 1, 0, 0, 1, 1)], attributes: { mode: 'mirror' } }),
    "its mode 'mirror' is not supported",
  ],
  [
    of('', 'Pad', { inputs: [0, numbers('p', 0, 0, -1, 0, 0, 0, 0, 0)], attributes: { mode: 'edge' } }),
    "it cuts, and pads by its mode 'edge'",
  ],
  [
    of('', 'Pad', { inputs: [0, numbers('p', 1, 0, 0, 0, 0, 0, 0, 0)], attributes: { mode: 'edge' } }),
    'it pads the batch',
  ],
  [
    of('', 'Pad', {
      inputs: [0, numbers('p', 0, 0, 0, 0, 0, 0, 0, 6)],
      attributes: { mode: 'wrap' },
      opset: 19,
    }),
    'its border is wider than what it is made of',
  ],
  [of('', 'Slice', { inputs: [0, numbers('s', 0), numbers('e', 1), numbers('a', 0)] }), ofBatch],
  [of('', 'Slice', { inputs: [0, numbers('s', 3), numbers('e', 1), numbers('a', 2)] }), 'it takes nothing'],
  [of('', 'Split', { data: [[2, 3]], outputs: 2 }), ofBatch],
  [of('', 'SplitToSequence', { data: [[2, 3]] }), ofBatch],
  [of('one image', 'Gather', { inputs: [0, int64s('i', [], [0])] }), ofBatch],
  [of('', 'Gather', { data: [[3, 2]], inputs: [0, numbers('i', 0, 2)] }), ofBatch],
  [
    of('', 'Gather', {
      data: [[1, 5000]],
      inputs: [0, numbers('i', ...Array.from({ length: 4000 }, (_, k) => (k * k * 7) % 5000))],
      attributes: { axis: 1 },
    }),
    'it takes 4000 elements of 5000 in no order',
  ],
  [of('', 'Tile', { inputs: [0, numbers('r', 2, 1, 1, 1)] }), 'it repeats the batch'],
  [of('', 'Tile', { inputs: [0, numbers('r', 1, 1, 65, 1)] }), 'it makes more than 64 copies'],
  [of('', 'GatherND', { inputs: [0, int64s('i', [1, 1], [0])] }), ofBatch],
  [
    of('', 'GatherND', { inputs: [0, int64s('i', [1, 1], [0])], attributes: { batch_dims: 1 } }),
    'it takes others of each image',
  ],
  [
    of('', 'Resize', { inputs: [0, '', floats('s', [4], [1, 1, 2, 2])], attributes: { mode: 'cubic' } }),
    "its mode 'cubic' is not supported",
  ],
  [
    of('', 'Resize', { inputs: [0, '', floats('s', [4], [1, 2, 2, 2])] }),
    'it resizes more than height and width',
  ],
  [
    of('', 'Resize', { inputs: [0, '', floats('s', [4], [1, 1, 1.45, 2])] }),
    'its factors do not give whole sizes',
  ],
  [
    of('', 'Resize', {
      inputs: [0, '', floats('s', [4], [1, 1, 2, 2])],
      attributes: { nearest_mode: 'ceil' },
    }),
    "it rounds positions of kind 'half_pixel' by 'ceil'",
  ],
  [
    of('to keep the ratio', 'Resize', {
      inputs: [0, '', '', numbers('n', 9, 8)],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' },
      opset: 18,
    }),
    'its factors do not give whole sizes',
  ],
  [
    of('', 'Resize', {
      inputs: [0, '', '', numbers('n', 12, 10)],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'fill' },
      opset: 18,
    }),
    "its keep_aspect_ratio_policy 'fill' is not known",
  ],
  [of('', 'Pow', { data: [image, image], inputs: [0, 1] }), 'its exponent is not one constant'],
  [
    of('', 'InstanceNormalization', { data: [[3, 4]], inputs: [0, ...norm.slice(0, 2)] }),
    'its input has no pixels',
  ],
  [of('', 'Cast', { attributes: { to: elementType.int64 } }), 'it converts between floats and integers'],
  [of('', 'SplitToSequence', { data: [[1, 5000]], attributes: { axis: 1 } }), 'it makes 5000 parts'],
  [of('', 'Bernoulli'), 'the operator is not known'],
] as const) {
  test(`${c.op}${c.title && `, ${c.title},`} stays opaque and says why: ${expected}`, (t) => {
    t.is(reason(c), expected);
  });
}
