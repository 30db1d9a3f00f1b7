// ONNX's Gemm, alpha x w + beta b, is a linear layer with what its factors and flags say around it.

import type { Value } from '../graph.js';
import { elements } from '../shape.js';
import { affine } from './activation.js';
import { add } from './arithmetic.js';
import { linear, transposedMatrix } from './linear.js';
import { requireApart, type OnnxContext, type OnnxLayout, type OnnxReaders } from './onnx-reader.js';
import { transpose } from './transpose.js';

function readGemm(context: OnnxContext): readonly Value[] {
  const turned = context.attributes.int('transB', 0) === 1;
  const outputs = context.type(1).shape[turned ? 0 : 1] as number;
  const w = turned ? context.trained(1) : context.trained(1, transposedMatrix);
  const bias = readBias(context, outputs);
  const x = readRows(context);
  if (!bias || bias.type.shape.length > 0) return context.emit(linear(), [x, w, ...(bias ? [bias] : [])]);
  return context.emit(add(), [...context.emit(linear(), [x, w]), bias]);
}

/** The first operand in the order and of the size that a linear layer takes. */
function readRows(context: OnnxContext): Value {
  const alpha = context.attributes.float('alpha', 1);
  const x = context.data(0);
  const turned = context.attributes.int('transA', 0) === 1;
  if (turned) requireApart(context, 0);
  const rows = turned ? (context.emit(transpose([1, 0]), [x])[0] as Value) : x;
  return alpha === 1 ? rows : (context.emit(affine(alpha, 0), [rows])[0] as Value);
}

/** A vector of one number for each output, or one number for all; null where there is none. */
function readBias(context: OnnxContext, outputs: number): Value | null {
  const beta = context.attributes.float('beta', 1);
  if (!context.given(2) || beta === 0) return null;
  const { shape } = context.type(2);
  const count = elements(shape);
  if (count !== 1 && !(shape.at(-1) === outputs && count === outputs))
    context.decline('its third input is not one number for each output');
  const one = count === 1 && outputs !== 1;
  if (beta !== 1) return context.trained(2, scaled(beta, one));
  if (one) return context.trained(2, number);
  return shape.length === 1 ? context.trained(2) : context.trained(2, flat);
}

/** [1, O] as [O]. */
const flat: OnnxLayout = ({ name, stored, dtype, data }) => ({
  name,
  stored,
  dtype,
  shape: [data.length],
  data,
});

/** One number without axes. */
const number: OnnxLayout = (tensor) => ({ ...flat(tensor), shape: [] });

const scaled =
  (beta: number, one: boolean): OnnxLayout =>
  (tensor) => {
    const arranged = one ? number(tensor) : flat(tensor);
    return { ...arranged, data: Array.from(arranged.data, (x) => beta * x) };
  };

export const readers: OnnxReaders = { Gemm: readGemm };
