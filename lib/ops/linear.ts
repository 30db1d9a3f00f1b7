// The fully connected layer and its gradients: x [N, I], w [O, I], b [O].

import type { Epilogue, GradientContext, NarrowRule, Op, Value } from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import { turnedBy, type OnnxTensor } from './onnx-reader.js';
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

export interface Linear {
  readonly epilogue?: Epilogue;
}

/** linear: x, w, [b] -> y [N, O] = x w^T + b. */
export function linear(attributes: Linear = {}): Op {
  const attrs = withEpilogue({}, attributes.epilogue);
  return {
    name: 'Linear',
    attrs,
    infer: (inputs) => [result(inputs)],
    gradient: (context) => gradient(attributes, context),
    lower: () => ({ kernel: 'linear', attrs }),
    macs: ([x, w]) => (x && w ? (x.shape[0] as number) * elements(w.shape) : 0),
    onnx: attributes.epilogue ? null : () => ({ opType: 'Gemm', attributes: { transB: 1 } }),
    zero: ([x, w, b = true]) => (x || w) === true && b,
    homogeneous: linearLayer(attributes.epilogue),
    joint: null,
    narrow: narrow(attributes),
    probabilities: null,
    epilogue: null,
    fuse: (epilogue) => (attributes.epilogue ? null : linear({ epilogue })),
  };
}

/** dL/dx [N, I] = dy w. */
export const linearBackwardData = (x: TensorType): Op =>
  gradientOp({ name: 'LinearBackwardData', kernel: 'linear_backward_data', attrs: {}, outputs: [x] });

/** dL/dw [O, I] = dy^T x and, with `b`, dL/db [O], the column sums of dy. */
export const linearBackwardWeights = (w: TensorType, b: TensorType | null): Op =>
  gradientOp({
    name: 'LinearBackwardWeights',
    kernel: 'linear_backward_weights',
    attrs: {},
    outputs: b ? [w, b] : [w],
  });

function result(inputs: readonly TensorType[]): TensorType {
  arity(inputs, 2, 3);
  const x = operand(inputs, 0, 'input', 2);
  const [n, features] = x.shape as [number, number];
  const [o, expected] = operand(inputs, 1, 'weight', 2).shape as [number, number];
  if (features !== expected) {
    mismatch(`input has ${features} features but the weight expects ${expected}`);
  }
  if (inputs.length > 2) vector(inputs, 2, 'bias', o);
  return { dtype: x.dtype, shape: [n, o] };
}

function gradient(attributes: Linear, context: GradientContext): readonly (Value | null)[] {
  const dy = beforeEpilogue(context, attributes.epilogue);
  const [x, w] = [input(context, 0), input(context, 1)];
  const b = context.node.inputs[2] ?? null;
  const dx = context.needs(0) ? emitOne(context, linearBackwardData(x.type), [dy, w]) : null;
  if (!context.needs(1) && !(b && context.needs(2))) return [dx, null, null];
  const [dw = null, db = null] = context.emit(linearBackwardWeights(w.type, b && b.type), [x, dy]);
  return [dx, dw, db];
}

const narrow =
  (attributes: Linear): NarrowRule =>
  ([kept = null, ...others]) => {
    if (!kept || others.some((k) => k !== null)) return null;
    return { op: linear(attributes), slices: [{ input: 1, axis: 1, keep: kept }], outputs: [null] };
  };

/** [I, O] as [O, I]. */
export function transposedMatrix(tensor: OnnxTensor): OnnxTensor {
  const [rows, columns] = tensor.shape as readonly [number, number];
  const from = tensor.data;
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      data[column * rows + row] = from[row * columns + column] as number;
    }
  }
  const { name, stored, dtype } = tensor;
  return { name, stored, dtype, shape: [columns, rows], data, turned: turnedBy(tensor, [1, 0]) };
}
