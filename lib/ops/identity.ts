// ONNX nodes that hand their input on unchanged once a network is read: they leave no node behind.

import { isFlags } from './compare.js';
import type { OnnxAttributes, OnnxContext, OnnxReaders } from './onnx-reader.js';

/** Type numbers of the format for floats of any width, which are one type here. */
const FLOATS = new Set([1, 10, 11, 16]);
const BOOL = 9;

/** Whether a node of this kind hands on as floats what it takes in. */
export const makesFloats = (opType: string, attributes: OnnxAttributes): boolean =>
  opType === 'Cast' && FLOATS.has(attributes.int('to'));

function cast(context: OnnxContext) {
  const to = context.attributes.int('to');
  const flags = to === BOOL && isFlags(context.data(0));
  if (context.type(0).dtype !== 'f32' || !(flags || FLOATS.has(to)))
    context.decline('it converts between floats and integers');
  return [context.data(0)];
}

function castLike(context: OnnxContext) {
  if (context.type(0).dtype !== context.type(1).dtype)
    context.decline('it converts between floats and integers');
  return [context.data(0)];
}

/** Nothing is dropped, as at inference. */
function dropout(context: OnnxContext) {
  const training = context.given(2) && context.constant(2)?.data[0] !== 0;
  if (training) context.note('Dropout that the file has for training is passed through');
  return [context.data(0)];
}

export const readers: OnnxReaders = {
  Cast: cast,
  CastLike: castLike,
  Dropout: dropout,
  Identity: (context) => [context.data(0)],
};
