// ONNX's sums and means of several tensors, which broadcast.

import type { Value } from '../graph.js';
import { sameType } from '../shape.js';
import { affine } from './activation.js';
import { add } from './arithmetic.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { sum } from './sum.js';

/** Of one shape, at any batch size, it is a sum, for which kernels do more. */
function readSum(context: OnnxContext): readonly Value[] {
  const terms = Array.from({ length: context.inputs }, (_, index) => context.data(index));
  if (isAlike(context)) return context.emit(sum(), terms);
  return [terms.reduce((total, term) => context.emit(add(), [total, term])[0] as Value)];
}

function isAlike(context: OnnxContext): boolean {
  const indices = Array.from({ length: context.inputs }, (_, index) => index);
  return [indices.map((index) => context.type(index)), indices.map((index) => context.nextType(index))].every(
    ([first = null, ...others]) => others.every((type) => !type || !first || sameType(type, first)),
  );
}

const readMean = (context: OnnxContext): readonly Value[] =>
  context.emit(affine(1 / context.inputs, 0), readSum(context));

export const readers: OnnxReaders = { Mean: readMean, Sum: readSum };
