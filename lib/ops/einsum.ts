// Einstein sums of two operands. There is no operator of this name here; files have it.

import type { Value } from '../graph.js';
import { product, sizesOf, type Axes } from './onnx-product.js';
import { weightOrData, type OnnxContext, type OnnxReaders } from './onnx-reader.js';

function readEinsum(context: OnnxContext): readonly Value[] {
  const equation = context.attributes.string('equation').replaceAll(' ', '');
  const [a, b, result] = (/^([a-z]+),([a-z]+)->([a-z]*)$/i.exec(equation) ?? [])
    .slice(1)
    .map((part): Axes => part.split(''));
  const made = a && b && result ? productOf(context, [a, b], result) : null;
  return [made ?? context.decline(`'${equation}' is no product of matrices`)];
}

function productOf(context: OnnxContext, [a, b]: readonly [Axes, Axes], result: Axes): Value | null {
  const [x, y] = [weightOrData(context, 0), weightOrData(context, 1)];
  if (a.length !== x.type.shape.length || b.length !== y.type.shape.length)
    context.decline('its equation does not name each axis');
  const operands = [
    { value: x, axes: a },
    { value: y, axes: b },
  ] as const;
  return product(context, operands, result, sizesOf(context, [a, b]));
}

export const readers: OnnxReaders = { Einsum: readEinsum };
