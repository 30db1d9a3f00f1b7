// Pooling over windows and over whole images: x [N, C, H, W]. Channels do not meet.

import type { Attributes, GradientContext, Homogeneity, KernelCall, OnnxForm, Op, Value } from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { pair, requireImage, windowOf } from './onnx-window.js';
import {
  arity,
  channelwise,
  emitOne,
  gradientOp,
  input,
  mismatch,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';
import { reshape } from './reshape.js';
import { windowed, type Padding, type Pair, type Window } from './window.js';

export interface Pooling {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  /** Whether a last, partial window counts. */
  readonly ceil: boolean;
}

export interface MaxPooling extends Pooling {
  readonly dilations: Pair;
}

export interface AveragePooling extends Pooling {
  /** Whether padding counts in the divisor. */
  readonly countIncludePad: boolean;
}

/** A window, and what else is not usual about it. */
export type PoolingOptions<T extends Pooling> = Partial<T> & { readonly kernel: Pair };

/** maxPool: x -> y [N, C, H', W']; padding never wins. */
export function maxPool(options: PoolingOptions<MaxPooling>): Op {
  const attributes: MaxPooling = { ...defaults(options), dilations: [1, 1], ...options };
  const { kernel, strides, padding, dilations } = attributes;
  const attrs = { kernel, strides, padding, dilations };
  return perChannel({
    name: 'MaxPool',
    attrs: { ...attrs, ceil: attributes.ceil },
    call: { kernel: 'max_pool', attrs },
    result: pooled(attributes),
    factors: 'positive',
    backward: (context, x) => emitOne(context, maxPoolBackward(attrs, x.type), [upstream(context), x]),
    onnx: windowForm('MaxPool', attributes, { dilations }),
  });
}

/** averagePool: x -> y [N, C, H', W']. */
export function averagePool(options: PoolingOptions<AveragePooling>): Op {
  const attributes: AveragePooling = { ...defaults(options), countIncludePad: false, ...options };
  const { kernel, strides, padding, countIncludePad } = attributes;
  const attrs = { kernel, strides, padding, countIncludePad };
  return perChannel({
    name: 'AveragePool',
    attrs: { ...attrs, ceil: attributes.ceil },
    call: { kernel: 'average_pool', attrs },
    result: pooled({ ...attributes, dilations: [1, 1] }),
    factors: 'any',
    backward: (context, x) => emitOne(context, averagePoolBackward(attrs, x.type), [upstream(context)]),
    onnx: windowForm('AveragePool', attributes, { count_include_pad: countIncludePad ? 1 : 0 }),
  });
}

/** globalAveragePool: x -> y [N, C, 1, 1]. */
export const globalAveragePool = (): Op =>
  perChannel({
    name: 'GlobalAveragePool',
    attrs: {},
    call: { kernel: 'global_average_pool', attrs: {} },
    result: ({ dtype, shape: [n, c] }) => ({ dtype, shape: [n as number, c as number, 1, 1] }),
    factors: 'any',
    backward: (context, x) => emitOne(context, globalAveragePoolBackward(x.type), [upstream(context)]),
    onnx: { opType: 'GlobalAveragePool', attributes: {} },
  });

/** dL/dx: each dy goes to the first maximum of its window, in scan order. */
export const maxPoolBackward = (attrs: Attributes, x: TensorType): Op =>
  gradientOp({ name: 'MaxPoolBackward', kernel: 'max_pool_backward', attrs, outputs: [x] });

/** dL/dx: each dy is spread evenly over its window. */
export const averagePoolBackward = (attrs: Attributes, x: TensorType): Op =>
  gradientOp({ name: 'AveragePoolBackward', kernel: 'average_pool_backward', attrs, outputs: [x] });

/** dL/dx = dy / (H W) everywhere. */
export const globalAveragePoolBackward = (x: TensorType): Op =>
  gradientOp({
    name: 'GlobalAveragePoolBackward',
    kernel: 'global_average_pool_backward',
    attrs: {},
    outputs: [x],
  });

interface PerChannel {
  readonly name: string;
  readonly attrs: Attributes;
  readonly call: KernelCall;
  readonly result: (x: TensorType) => TensorType;
  readonly factors: Homogeneity;
  readonly backward: (context: GradientContext, x: Value) => Value;
  readonly onnx: OnnxForm;
}

function perChannel({ name, attrs, call, result, factors, backward, onnx }: PerChannel): Op {
  const op: Op = {
    name,
    attrs,
    infer: (inputs) => {
      arity(inputs, 1, 1);
      return [result(operand(inputs, 0, 'input', 4))];
    },
    gradient: (context) => [backward(context, input(context, 0))],
    lower: () => call,
    macs: noMacs,
    onnx: () => onnx,
    zero: zeroWithFirst,
    homogeneous: ([x]) => (x ? factors : 'none'),
    joint: null,
    narrow: channelwise(() => op),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

const defaults = ({ kernel }: { readonly kernel: Pair }): Pooling => ({
  kernel,
  strides: kernel,
  padding: [0, 0, 0, 0],
  ceil: false,
});

const pooled =
  (window: Window) =>
  ({ dtype, shape }: TensorType): TensorType => {
    const [n, c, h, w] = shape as readonly [number, number, number, number];
    const { kernel, padding } = window;
    if (padding.some((size, side) => size >= (kernel[side % 2] as number))) {
      mismatch(`padding ${padding.join()} holds whole windows of ${kernel.join(' x ')}`);
    }
    return { dtype, shape: [n, c, ...windowed(h, w, window)] };
  };

const windowForm = (opType: string, pooling: Pooling, others: Attributes): OnnxForm => ({
  opType,
  attributes: {
    kernel_shape: pooling.kernel,
    strides: pooling.strides,
    pads: pooling.padding,
    ceil_mode: pooling.ceil ? 1 : 0,
    ...others,
  },
});

function readMaxPool(context: OnnxContext): readonly Value[] {
  if (context.outputs > 1) context.decline('it also gives the positions of the maxima');
  return context.emit(maxPool(windowOf(context, pair(context, 'kernel_shape'))), [context.data(0)]);
}

function readAveragePool(context: OnnxContext): readonly Value[] {
  if (context.type(0).shape.length === 5) return readDepthPool(context);
  const { dilations, ...window } = windowOf(context, pair(context, 'kernel_shape'));
  if (dilations.some((step) => step !== 1)) context.decline('its window is dilated');
  const countIncludePad = context.attributes.int('count_include_pad', 0) === 1;
  return context.emit(averagePool({ ...window, countIncludePad }), [context.data(0)]);
}

/** Windows over the depth of volumes alone: those over height, once height and width are one axis. */
function readDepthPool(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  const { shape } = context.type(0);
  const [, channels = 0, depth = 0, ...pixels] = shape;
  const kernel = attributes.ints('kernel_shape');
  const pads = attributes.ints('pads', [0, 0, 0, 0, 0, 0]);
  const ones = [...kernel.slice(1), ...attributes.ints('strides', []), ...attributes.ints('dilations', [])];
  const along = pads.every((size, side) => side % 3 === 0 || size === 0);
  if (!along || ones.some((size) => size !== 1))
    context.decline('its windows have height or width, or steps');
  const window = averagePool({
    kernel: [kernel[0] ?? 1, 1],
    strides: [1, 1],
    padding: [pads[0] ?? 0, 0, pads[3] ?? 0, 0],
    countIncludePad: attributes.int('count_include_pad', 0) === 1,
  });
  const columns = context.emit(reshape([0, channels, depth, elements(pixels)]), [context.data(0)]);
  const [means] = context.emit(window, columns);
  const height = means?.type.shape[2] ?? depth;
  return context.emit(reshape([0, channels, height, ...pixels]), [means as Value]);
}

function readGlobal(context: OnnxContext): readonly Value[] {
  requireImage(context);
  return context.emit(globalAveragePool(), [context.data(0)]);
}

/** The maximum over a whole image is that over a window of its size. */
function readGlobalMax(context: OnnxContext): readonly Value[] {
  requireImage(context);
  const kernel = context.type(0).shape.slice(2) as unknown as Pair;
  return context.emit(maxPool({ kernel }), [context.data(0)]);
}

export const readers: OnnxReaders = {
  AveragePool: readAveragePool,
  GlobalAveragePool: readGlobal,
  GlobalMaxPool: readGlobalMax,
  MaxPool: readMaxPool,
};
