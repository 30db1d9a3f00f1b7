// Normalisation of each channel, or each group of channels, of one image over its pixels. There is no operator
// for it: it is layer normalisation over the axes after the channels, or after the groups, then a scale and a
// shift of its own for each channel.

import type { Value } from '../graph.js';
import { add, multiply } from './arithmetic.js';
import { layerNorm } from './layer-norm.js';
import { isReshaped } from './normalised.js';
import { isAll, type OnnxContext, type OnnxLayout, type OnnxReaders } from './onnx-reader.js';
import { reshape } from './reshape.js';

/** The first axis after channels or groups. */
const PIXELS = 2;

/** Arrangements [C, 1, ...] by the number of ones; one function each, so that weights that are shared stay so. */
const columns: readonly OnnxLayout[] = Array.from({ length: 8 }, (_, axes): OnnxLayout => {
  const ones = Array.from({ length: axes }, () => 1);
  return ({ name, stored, dtype, data }) => ({ name, stored, dtype, shape: [data.length, ...ones], data });
});

/** Scale or bias, input `index`, beside a tensor of `rank` axes. */
function column(context: OnnxContext, index: number, rank: number): Value {
  const layout = columns[rank - PIXELS] ?? context.decline(`its input has ${rank} axes`);
  return context.trained(index, layout);
}

const scaled = (context: OnnxContext, value: Value): readonly Value[] => {
  const rank = value.type.shape.length;
  const product = context.emit(multiply(), [value, column(context, 1, rank)]);
  return context.emit(add(), [...product, column(context, 2, rank)]);
};

function normalised(context: OnnxContext, value: Value): Value {
  const op = layerNorm({ axis: PIXELS, epsilon: context.attributes.float('epsilon', 1e-5) });
  return context.emit(op, [value])[0] as Value;
}

function readInstanceNorm(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  if (shape.length <= PIXELS) context.decline('its input has no pixels');
  const y = normalised(context, context.data(0));
  return isPlain(context) ? [y] : scaled(context, y);
}

/** Exporters say so where the layer has none, or has others: its channels were put together into groups. */
function isPlain(context: OnnxContext): boolean {
  const [scale, bias] = [context.constant(1), context.constant(2)];
  if (!scale || !bias || !isAll(scale, 1) || !isAll(bias, 0)) return false;
  return !scale.stored || isReshaped(context.data(0));
}

/** Scale and bias were given a group before operator set 21, and are given a channel since. */
function readGroupNorm(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  if (shape.length <= PIXELS) context.decline('its input has no pixels');
  const groups = context.emit(reshape([0, context.attributes.int('num_groups'), -1]), [context.data(0)]);
  const y = normalised(context, groups[0] as Value);
  const back = reshape([0, ...shape.slice(1)]);
  return context.opset < 21
    ? context.emit(back, scaled(context, y))
    : scaled(context, context.emit(back, [y])[0] as Value);
}

export const readers: OnnxReaders = {
  GroupNormalization: readGroupNorm,
  InstanceNormalization: readInstanceNorm,
};
