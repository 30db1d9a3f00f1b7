// Two-dimensional convolution and its gradients: x [N, C, H, W], w [O, C / groups, kh, kw], b [O].

import type {
  Attributes,
  Epilogue,
  GradientContext,
  Kept,
  Narrowed,
  NarrowRule,
  Op,
  Value,
} from '../graph.js';
import { dim, elements, sameShape, type Shape, type TensorType } from '../shape.js';
import { isComputedZero, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import { requireImage, windowOf } from './onnx-window.js';
import {
  arity,
  beforeEpilogue,
  emitOne,
  gradientOp,
  input,
  linearLayer,
  mismatch,
  operand,
  vector,
  withEpilogue,
} from './operator.js';
import { windowed, type Padding, type Pair, type Window } from './window.js';

export interface Convolution {
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilations: Pair;
  /** Input and output channels fall into this many independent parts. */
  readonly groups: number;
  readonly epilogue?: Epilogue;
}

const plain: Convolution = { strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };

/** conv: x, w, [b] -> y [N, O, H', W']. */
export function conv(options: Partial<Convolution> = {}): Op {
  const { strides = plain.strides, padding = plain.padding, epilogue } = options;
  const { dilations = plain.dilations, groups = plain.groups } = options;
  const attrs = { strides, padding, dilations, groups };
  const attributes: Convolution = epilogue ? { ...attrs, epilogue } : attrs;
  return {
    name: 'Conv',
    attrs: withEpilogue(attrs, epilogue),
    infer: (inputs) => [result(attributes, inputs)],
    gradient: (context) => gradient(attributes, context),
    lower: () => ({ kernel: 'conv', attrs: withEpilogue(attrs, epilogue) }),
    macs,
    onnx: epilogue ? null : ([, w]) => onnx(attributes, w?.shape ?? []),
    zero,
    homogeneous: linearLayer(epilogue),
    joint: null,
    narrow: narrow(attributes),
    probabilities: null,
    epilogue: null,
    fuse: (next) => (epilogue ? null : conv({ ...attrs, epilogue: next })),
  };
}

/** dL/dx [N, C, H, W] from dy and w: the transposed convolution. */
export const convBackwardData = (attributes: Convolution, x: TensorType): Op =>
  gradientOp({
    name: 'ConvBackwardData',
    kernel: 'conv_backward_data',
    attrs: geometry(attributes),
    outputs: [x],
  });

/** dL/dw [O, C / groups, kh, kw] and, with `b`, dL/db [O] from x and dy: correlation of both. */
export const convBackwardWeights = (attributes: Convolution, w: TensorType, b: TensorType | null): Op =>
  gradientOp({
    name: 'ConvBackwardWeights',
    kernel: 'conv_backward_weights',
    attrs: geometry(attributes),
    outputs: b ? [w, b] : [w],
  });

const geometry = ({ strides, padding, dilations, groups }: Convolution): Attributes => ({
  strides,
  padding,
  dilations,
  groups,
});

function result(attributes: Convolution, inputs: readonly TensorType[]): TensorType {
  arity(inputs, 2, 3);
  const x = operand(inputs, 0, 'input', 4);
  const weight = operand(inputs, 1, 'weight', 4).shape;
  // Read one by one, since networks have thousands: taking lists apart is slow until it is compiled.
  const channels = dim(x.shape, 1);
  const made = dim(weight, 0);
  const perGroup = dim(weight, 1);
  const { groups } = attributes;
  if (channels !== perGroup * groups) {
    const per = groups === 1 ? '' : ` (${groups} groups of ${perGroup})`;
    mismatch(`input has ${channels} channels but the weight expects ${perGroup * groups}${per}`);
  }
  if (made % groups !== 0) mismatch(`${made} output channels do not fall into ${groups} groups`);
  if (inputs.length > 2) vector(inputs, 2, 'bias', made);
  const { strides, padding, dilations } = attributes;
  const window: Window = { kernel: [dim(weight, 2), dim(weight, 3)], strides, padding, dilations };
  const size = windowed(dim(x.shape, 2), dim(x.shape, 3), window);
  return { dtype: x.dtype, shape: [dim(x.shape, 0), made, size[0], size[1]] };
}

/** Each output element takes a filter's worth of products. */
function macs(inputs: readonly TensorType[], outputs: readonly TensorType[]): number {
  const w = inputs[1];
  const y = outputs[0];
  return w && y ? elements(y.shape) * elements(w.shape.slice(1)) : 0;
}

const zero = (zeros: readonly boolean[]): boolean => (zeros[0] || zeros[1]) === true && (zeros[2] ?? true);

function gradient(attributes: Convolution, context: GradientContext): readonly (Value | null)[] {
  const dy = beforeEpilogue(context, attributes.epilogue);
  const [x, w] = [input(context, 0), input(context, 1)];
  const b = context.node.inputs[2] ?? null;
  const dx = context.needs(0) ? emitOne(context, convBackwardData(attributes, x.type), [dy, w]) : null;
  if (!context.needs(1) && !(b && context.needs(2))) return [dx, null, null];
  const weights = convBackwardWeights(attributes, w.type, b && b.type);
  const [dw = null, db = null] = context.emit(weights, [x, dy]);
  return [dx, dw, db];
}

/**
 * Without groups the output does not notice which input channels are gone, apart from the weight's
 * columns. With groups, whole groups go, and the output channels they made go with them; depthwise
 * convolution is the case of one channel a group.
 */
const narrow =
  (attributes: Convolution): NarrowRule =>
  ([kept = null, ...others], [x, w, b]) => {
    if (!kept || !x || !w || others.some((k) => k !== null)) return null;
    const { groups } = attributes;
    if (groups === 1) {
      return { op: conv(attributes), slices: [{ input: 1, axis: 1, keep: kept }], outputs: [null] };
    }
    const channels = w.shape[1] as number;
    const alive = wholeGroups(kept, channels);
    return alive && narrowGroups(attributes, alive, (w.shape[0] as number) / groups, b !== undefined);
  };

/** The groups whose `size` channels are all kept; null where a group is only partly kept. */
function wholeGroups(kept: readonly number[], size: number): Kept {
  const groups = kept.filter((channel) => channel % size === 0).map((channel) => channel / size);
  const whole = groups.flatMap((group) => range(group * size, size));
  const equal = whole.length === kept.length && whole.every((channel, index) => channel === kept[index]);
  return equal && kept.length > 0 ? groups : null;
}

function narrowGroups(
  attributes: Convolution,
  alive: readonly number[],
  outputs: number,
  bias: boolean,
): Narrowed {
  const keep = alive.flatMap((group) => range(group * outputs, outputs));
  const slices = (bias ? [1, 2] : [1]).map((index) => ({ input: index, axis: 0, keep }));
  return { op: conv({ ...attributes, groups: alive.length }), slices, outputs: [keep] };
}

const range = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i);

const onnx = (attributes: Convolution, weight: Shape) => ({
  opType: 'Conv',
  attributes: {
    kernel_shape: weight.slice(2),
    strides: attributes.strides,
    pads: attributes.padding,
    dilations: attributes.dilations,
    group: attributes.groups,
  },
});

function read(context: OnnxContext): readonly Value[] {
  requireImage(context);
  const weight = context.trained(1);
  const kernel = weight.type.shape.slice(2) as unknown as Pair;
  const stated = context.attributes.ints('kernel_shape', kernel);
  if (!sameShape(stated, kernel))
    context.decline(`its kernel_shape [${stated.join(',')}] is not its weight's`);
  const { strides, padding, dilations } = windowOf(context, kernel);
  const bias = context.given(2) && !isComputedZero(context.constant(2)) ? [context.trained(2)] : [];
  const groups = context.attributes.int('group', 1);
  return context.emit(conv({ strides, padding, dilations, groups }), [context.data(0), weight, ...bias]);
}

export const readers: OnnxReaders = { Conv: read };
