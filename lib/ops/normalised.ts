// What has been normalised in a file, and not scaled and shifted yet. Exporters take apart what they have no
// operator for: vectors of one number a channel that follow are the scale and shift of a layer.

import { isParameter, type Value } from '../graph.js';
import { isMadeBy, kernelOf, operandsOf } from './kernel-of.js';
import type { OnnxContext } from './onnx-reader.js';

/** Whether `value` is so, or is scaled and not shifted yet. */
function isNormalised(value: Value): boolean {
  const last = beforeReshapes(value);
  if (!isMadeBy(last, 'binary', 'mul')) return isPlainNorm(last);
  const operands = operandsOf(last);
  return operands.some(isTrained) && operands.some((x) => isPlainNorm(beforeReshapes(x)));
}

const isPlainNorm = (value: Value): boolean =>
  kernelOf(value)?.kernel === 'layer_norm' && operandsOf(value).length === 1;

const isTrained = (value: Value): boolean => isParameter(value) && value.trainable;

/** Whether `value` is another in another shape. */
export const isReshaped = (value: Value): boolean => kernelOf(value)?.kernel === 'reshape';

function beforeReshapes(value: Value): Value {
  let before = value;
  while (isReshaped(before)) before = operandsOf(before)[0] as Value;
  return before;
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
