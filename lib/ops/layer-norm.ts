// Layer normalisation over the last axes and its gradient: x [..., normalised axes], scale and bias
// shaped like the normalised axes.

import type { GradientContext, Op, Value } from '../graph.js';
import { formatShape, sameShape, type TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  gradientOp,
  input,
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

/** layerNorm: x, scale, bias -> y = (x - m) / sqrt(v + epsilon) * scale + bias, m, 1 / sqrt(v + epsilon). */
export function layerNorm({ axis, epsilon = 1e-5 }: LayerNorm): Op {
  return {
    name: 'LayerNorm',
    attrs: { axis, epsilon },
    infer: (inputs) => results(axis, inputs),
    gradient: (context) => gradient(axis, context),
    lower: () => ({ kernel: 'layer_norm', attrs: { axis, epsilon } }),
    macs: noMacs,
    onnx: () => ({
      opType: 'LayerNormalization',
      attributes: { axis, epsilon: { float: epsilon } },
      outputs: [0],
    }),
    zero: ([, scale, bias]) => (scale && bias) === true,
    homogeneous: linearNorm(),
    joint: null,
    narrow: null,
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
}

/** With xhat = (x - m) s: dscale = sum dy xhat, dbias = sum dy, g = dy scale, dx = s (g - mean g - xhat mean g xhat). */
export const layerNormBackward = (axis: number, x: TensorType, scale: TensorType): Op =>
  gradientOp({
    name: 'LayerNormBackward',
    kernel: 'layer_norm_backward',
    attrs: { axis },
    outputs: [x, scale, scale],
  });

function results(axis: number, inputs: readonly TensorType[]): readonly TensorType[] {
  arity(inputs, 3, 3);
  const x = operand(inputs, 0, 'input');
  const normalised = x.shape.slice(axisOf(axis, x.shape));
  [1, 2].forEach((index) => {
    const role = index === 1 ? 'scale' : 'bias';
    const { shape } = operand(inputs, index, role);
    if (!sameShape(shape, normalised)) {
      mismatch(`${role} is ${formatShape(shape)} but ${formatShape(normalised)} is normalised`);
    }
  });
  const statistic: TensorType = { dtype: x.dtype, shape: x.shape.slice(0, axis) };
  return [x, statistic, statistic];
}

function gradient(axis: number, context: GradientContext): readonly (Value | null)[] {
  const [x, scale] = [input(context, 0), input(context, 1)];
  const saved = [output(context, 1), output(context, 2)];
  const backward = layerNormBackward(axis, x.type, scale.type);
  const [dx = null, dscale = null, dbias = null] = context.emit(backward, [
    x,
    upstream(context),
    scale,
    ...saved,
  ]);
  return [dx, dscale, dbias];
}

function read(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  if (!context.given(2)) context.decline('it has no bias');
  if (context.outputs > 1) context.decline('it also gives its statistics');
  const axis = axisOf(attributes.int('axis', -1), context.type(0).shape);
  const op = layerNorm({ axis, epsilon: attributes.float('epsilon', 1e-5) });
  return context.emit(op, [context.data(0), context.trained(1), context.trained(2)]).slice(0, 1);
}

export const readers: OnnxReaders = { LayerNormalization: read };
