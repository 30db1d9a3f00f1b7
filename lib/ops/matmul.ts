// Products of matrices and of stacks of them: a [..., M, K], b [..., K, N] or [K, N].

import type { GradientContext, NarrowRule, Op, Value } from '../graph.js';
import { elements, formatShape, sameShape, type Shape, type TensorType } from '../shape.js';
import {
  arity,
  emitOne,
  gradientOp,
  input,
  linearInEach,
  mismatch,
  operand,
  unfusable,
  upstream,
  zeroWithAny,
} from './operator.js';

/** matmul: a, b -> y [..., M, N]; without leading axes of its own, b meets every matrix of a. */
export const matmul = (): Op => ({
  name: 'MatMul',
  attrs: {},
  infer: (inputs) => [product(inputs)],
  gradient,
  lower: () => ({ kernel: 'matmul', attrs: { transposeA: false, transposeB: false } }),
  macs: ([a], [y]) => (a && y ? elements(y.shape) * (a.shape.at(-1) as number) : 0),
  onnx: () => ({ opType: 'MatMul', attributes: {} }),
  zero: zeroWithAny,
  homogeneous: linearInEach,
  joint: null,
  narrow,
  probabilities: null,
  epilogue: null,
  fuse: unfusable,
});

function product(inputs: readonly TensorType[]): TensorType {
  arity(inputs, 2, 2);
  const [a, b] = [operand(inputs, 0, 'the first operand'), operand(inputs, 1, 'the second operand')];
  if (a.shape.length < 2 || b.shape.length < 2) mismatch('both operands must be matrices or stacks of them');
  const [lead, leadB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (leadB.length > 0 && !sameShape(lead, leadB)) {
    mismatch(`stacks of ${formatShape(lead)} and ${formatShape(leadB)} matrices do not fit`);
  }
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const [expected, columns] = b.shape.slice(-2) as [number, number];
  if (inner !== expected) mismatch(`the first has ${inner} columns but the second has ${expected} rows`);
  return { dtype: a.dtype, shape: [...lead, rows, columns] };
}

/** dL/da = dy b^T, dL/db = a^T dy; where b is shared by a stack, over all its rows at once. */
function gradient(context: GradientContext): readonly (Value | null)[] {
  const dy = upstream(context);
  const [a, b] = [input(context, 0), input(context, 1)];
  const shared = b.type.shape.length < a.type.shape.length;
  const [left, right] = shared ? [rows(context, a), rows(context, dy)] : [a, dy];
  return [
    context.needs(0) ? emitOne(context, backward(a.type, false, true), [dy, b]) : null,
    context.needs(1) ? emitOne(context, backward(b.type, true, false), [left, right]) : null,
  ];
}

const backward = (result: TensorType, transposeA: boolean, transposeB: boolean): Op =>
  gradientOp({
    name: 'MatMulBackward',
    kernel: 'matmul',
    attrs: { transposeA, transposeB },
    outputs: [result],
  });

/** A stack of matrices as one matrix with all their rows. */
function rows(context: GradientContext, value: Value): Value {
  const { dtype, shape } = value.type;
  const flat: Shape = [elements(shape.slice(0, -1)), shape.at(-1) as number];
  const outputs = [{ dtype, shape: flat }];
  return emitOne(context, gradientOp({ name: 'Rows', kernel: 'reshape', attrs: {}, outputs }), [value]);
}

/** For a plain matrix the channels are the columns, which meet the rows of a parameter. */
const narrow: NarrowRule = ([kept = null, other = null], [a]) =>
  kept && !other && a?.shape.length === 2
    ? { op: matmul(), slices: [{ input: 1, axis: 0, keep: kept }], outputs: [null] }
    : null;
