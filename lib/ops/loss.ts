// What a graph ends in that is trained. Softmax cross-entropy, the loss of classification: logits [N, K]
// against labels, class indices i32 [N] (-1 marks a row that does not count) or probabilities f32 [N, K].
// And the end of any other loss.

import type { GradientContext, Op, Value } from '../graph.js';
import { affine } from './activation.js';
import { formatType, sameShape, type TensorType } from '../shape.js';
import { arity, emitOne, gradientOp, input, mismatch, promisesNothing, operand, output } from './operator.js';

export interface CrossEntropy {
  /** Share of the target that is spread over all classes. */
  readonly smoothing: number;
}

/**
 * softmaxCrossEntropy: logits, labels -> loss [1], probabilities [N, K], correct [1].
 * loss is the mean of -sum_k t_k log p_k over the rows that count, with p = softmax(logits) and
 * t = (1 - smoothing) target + smoothing / K; correct is how many rows have their maximum at the
 * target's. The loss ends a graph: its gradient takes dL/dloss to be one.
 */
export function softmaxCrossEntropy(attributes: CrossEntropy = { smoothing: 0 }): Op {
  const { smoothing } = attributes;
  return {
    name: 'SoftmaxCrossEntropy',
    attrs: { smoothing },
    infer: results,
    gradient: (context) => [gradient(attributes, context), null],
    lower: () => ({ kernel: 'softmax_cross_entropy', attrs: { smoothing } }),
    ...promisesNothing,
  };
}

/** dL/dlogits = (p - t) / rows that count; zero in the others. */
export const softmaxCrossEntropyBackward = ({ smoothing }: CrossEntropy, logits: TensorType): Op =>
  gradientOp({
    name: 'SoftmaxCrossEntropyBackward',
    kernel: 'softmax_cross_entropy_backward',
    attrs: { smoothing },
    outputs: [logits],
  });

function results(inputs: readonly TensorType[]): readonly TensorType[] {
  arity(inputs, 2, 2);
  const logits = operand(inputs, 0, 'logits', 2);
  const labels = operand(inputs, 1, 'labels', 1, 2);
  const rows = logits.shape.slice(0, 1);
  const expected = labels.dtype === 'i32' ? rows : logits.shape;
  if (!sameShape(labels.shape, expected)) {
    mismatch(`labels are ${formatType(labels)} but the logits are ${formatType(logits)}`);
  }
  const scalar: TensorType = { dtype: logits.dtype, shape: [1] };
  return [scalar, logits, scalar];
}

function gradient(attributes: CrossEntropy, context: GradientContext): Value | null {
  if (!context.needs(0)) return null;
  const backward = softmaxCrossEntropyBackward(attributes, input(context, 0).type);
  return emitOne(context, backward, [output(context, 1), input(context, 1)]);
}

/** objective: x [1] -> x, a number to minimise, made of any operators. Its gradient begins here, at one. */
export const objective = (): Op => ({
  name: 'Objective',
  attrs: {},
  infer: (inputs) => {
    arity(inputs, 1, 1);
    const x = operand(inputs, 0, 'the loss', 1);
    if (x.shape[0] !== 1) mismatch(`the loss is ${formatType(x)} but one number was expected`);
    return [x];
  },
  gradient: (context) => [emitOne(context, affine(0, 1), [input(context, 0)])],
  lower: () => ({ kernel: 'reshape', attrs: {} }),
  ...promisesNothing,
});
