// Layer normalisation over the last axes and its gradient: x [..., normalised axes], scale and bias
// shaped like the normalised axes, or neither.

import type { GradientContext, NarrowRule, OnnxForm, Op, Value } from '../graph.js';
import { formatShape, sameShape, type TensorType } from '../shape.js';
import { add, multiply } from './arithmetic.js';
import { isComputedOne, isComputedZero, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  gradientOp,
  input,
  int64Vector,
  linearNorm,
  mismatch,
  noMacs,
  operand,
  output,
  unfusable,
  upstream,
} from './operator.js';

export interface LayerNorm {
  /** The first normalised axis, counted from the front. */
  readonly axis: number;
  /** 1e-5 unless told. */
  readonly epsilon?: number;
}

/** layerNorm: x, [scale, bias] -> y = (x - m) / sqrt(v + epsilon) * scale + bias, m, 1 / sqrt(v + epsilon). */
export function layerNorm(attributes: LayerNorm): Op {
  const { axis, epsilon = 1e-5 } = attributes;
  return {
    name: 'LayerNorm',
    attrs: { axis, epsilon },
    infer: (inputs) => results(axis, inputs),
    gradient: (context) => gradient(axis, context),
    lower: () => ({ kernel: 'layer_norm', attrs: { axis, epsilon } }),
    macs: noMacs,
    onnx: (inputs) => onnx({ axis, epsilon }, inputs),
    // Of zeros the mean is zero too.
    zero: ([x, ...parameters]) => (parameters.length > 0 ? parameters.every(Boolean) : x === true),
    homogeneous: linearNorm(),
    joint: null,
    narrow: axis > 1 ? narrow(attributes) : null,
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
}

/** Channels before the normalised axes do not meet. */
const narrow =
  (attributes: LayerNorm): NarrowRule =>
  ([kept = null]) => ({ op: layerNorm(attributes), slices: [], outputs: [kept, kept, kept] });

/**
 * Without scale and bias, ones are computed in the file rather than held in it, where they would be taken for
 * weights. Over all pixels of each channel it is called by the name that other programs know.
 */
function onnx({ axis, epsilon = 1e-5 }: LayerNorm, inputs: readonly TensorType[]): OnnxForm {
  const attributes = { epsilon: { float: epsilon } };
  const last = { opType: 'LayerNormalization', attributes: { axis, ...attributes }, outputs: [0] };
  if (inputs.length > 1) return last;
  const { shape } = operand(inputs, 0, 'input');
  const pixels = axis === 2 && shape.length > 2;
  const ones = pixels ? shape.slice(1, 2) : shape.slice(axis);
  const before: readonly OnnxForm[] = [
    { opType: 'ConstantOfShape', attributes: {}, inputs: [int64Vector(ones)] },
    { opType: 'Exp', attributes: {}, inputs: [{ before: 0 }] },
  ];
  const form: OnnxForm = pixels ? { opType: 'InstanceNormalization', attributes, outputs: [0] } : last;
  return { ...form, inputs: [0, { before: 1 }, ...(pixels ? [{ before: 0 }] : [])], before };
}

/** With xhat = (x - m) s: dscale = sum dy xhat, dbias = sum dy, g = dy scale, dx = s (g - mean g - xhat mean g xhat). */
export const layerNormBackward = (axis: number, x: TensorType, scale: TensorType | null): Op =>
  gradientOp({
    name: 'LayerNormBackward',
    kernel: 'layer_norm_backward',
    attrs: { axis },
    outputs: scale ? [x, scale, scale] : [x],
  });

function results(axis: number, inputs: readonly TensorType[]): readonly TensorType[] {
  if (inputs.length !== 1) arity(inputs, 3, 3);
  const x = operand(inputs, 0, 'input');
  const normalised = x.shape.slice(axisOf(axis, x.shape));
  inputs.slice(1).forEach(({ shape }, index) => {
    if (sameShape(shape, normalised)) return;
    const role = index === 0 ? 'scale' : 'bias';
    mismatch(`${role} is ${formatShape(shape)} but ${formatShape(normalised)} is normalised`);
  });
  const statistic: TensorType = { dtype: x.dtype, shape: x.shape.slice(0, axis) };
  return [x, statistic, statistic];
}

function gradient(axis: number, context: GradientContext): readonly (Value | null)[] {
  const x = input(context, 0);
  const scale = context.node.inputs[1] ?? null;
  const read = [x, upstream(context), ...(scale ? [scale] : []), output(context, 1), output(context, 2)];
  const [dx = null, ...others] = context.emit(layerNormBackward(axis, x.type, scale && scale.type), read);
  return [dx, ...others];
}

/**
 * Without a bias, or where they are not one number for each that is normalised, scale and bias are nodes of their own;
 * ones and zeros that a file computes are none.
 */
function read(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  if (context.outputs > 1) context.decline('it also gives its statistics');
  const { shape } = context.type(0);
  const axis = axisOf(attributes.int('axis', -1), shape);
  const op = layerNorm({ axis, epsilon: attributes.float('epsilon', 1e-5) });
  const x = context.data(0);
  const shifted = context.given(2) && !isComputedZero(context.constant(2));
  const own = [1, 2].every(
    (index) => !context.given(index) || sameShape(context.type(index).shape, shape.slice(axis)),
  );
  if (shifted && own) return context.emit(op, [x, context.trained(1), context.trained(2)]).slice(0, 1);
  const plain = context.emit(op, [x]).slice(0, 1);
  const scaled = isComputedOne(context.constant(1))
    ? plain
    : context.emit(multiply(), [...plain, context.trained(1)]);
  return shifted ? context.emit(add(), [...scaled, context.trained(2)]) : scaled;
}

export const readers: OnnxReaders = { LayerNormalization: read };
