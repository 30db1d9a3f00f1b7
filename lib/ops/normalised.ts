// What has been normalised in a file, and not scaled and shifted yet. Exporters take apart what they have no
// operator for: vectors of one number a channel that follow are the scale and shift of a layer.

import { producer, type Value } from '../graph.js';
import type { OnnxContext } from './onnx-reader.js';

const normalised = new WeakSet<Value>();

export const markNormalised = (value: Value | undefined): void => {
  if (value) normalised.add(value);
};

/** Whether `value` is so, but for its shape. */
export function isNormalised(value: Value): boolean {
  if (normalised.has(value)) return true;
  const [source, ...others] = isReshaped(value) ? (producer(value)?.inputs ?? []) : [];
  return source !== undefined && others.length === 0 && isNormalised(source);
}

/** Whether `value` is another in another shape. What is opaque has no gradient, and cannot be lowered. */
export function isReshaped(value: Value): boolean {
  const op = producer(value)?.op;
  return op !== undefined && op.gradient !== null && op.lower('eval').kernel === 'reshape';
}

/** Which of the two operands is a weight of one number a channel beside what was normalised, if any. */
export function channelWeight(context: OnnxContext): 0 | 1 | null {
  return ([0, 1] as const).find((index) => isChannelWeight(context, index)) ?? null;
}

function isChannelWeight(context: OnnxContext, index: 0 | 1): boolean {
  const constant = context.constant(index);
  if (!constant?.stored || context.constant(1 - index)) return false;
  const { shape } = context.type(1 - index);
  const axis = 1 - (shape.length - constant.shape.length);
  const channels = constant.shape.every((size, k) => size === (k === axis ? shape[1] : 1));
  return channels && axis >= 0 && isNormalised(context.data(1 - index));
}
