// The attributes that ONNX's sliding windows share, as our geometry: x [N, C, H, W] is input 0.

import type { OnnxContext } from './onnx-reader.js';
import type { Padding, Pair, Window } from './window.js';

/** Declines unless input 0 is an image; operators of other ranks share ONNX's names with ours. */
export function requireImage(context: OnnxContext): void {
  const rank = context.type(0).shape.length;
  if (rank !== 4) context.decline(`only images of rank 4 are supported, its input has rank ${rank}`);
}

/** Strides, padding and dilations of a window of `kernel`. */
export function windowOf(context: OnnxContext, kernel: Pair): Window {
  const { attributes } = context;
  const strides = pair(context, 'strides');
  const dilations = pair(context, 'dilations');
  const ceil = attributes.int('ceil_mode', 0) === 1;
  return { kernel, strides, dilations, padding: padding(context, kernel, strides, dilations), ceil };
}

/** Two sizes, [1, 1] where the attribute is absent. */
export function pair(context: OnnxContext, name: string, fallback?: Pair): Pair {
  requireImage(context);
  const sizes = context.attributes.ints(name, fallback ?? [1, 1]);
  const fits = sizes.length === 2 && sizes.every((size) => Number.isInteger(size) && size > 0);
  if (!fits) context.decline(`its ${name} are not two positive sizes`);
  return sizes as unknown as Pair;
}

function padding(context: OnnxContext, kernel: Pair, strides: Pair, dilations: Pair): Padding {
  const automatic = context.attributes.string('auto_pad', 'NOTSET');
  if (automatic === 'VALID') return [0, 0, 0, 0];
  if (automatic === 'NOTSET') return explicit(context);
  const { shape } = context.type(0);
  const total = [0, 1].map((axis) => same(shape[axis + 2] ?? 0, axis as 0 | 1, kernel, strides, dilations));
  const [top, left] = total.map((pads) =>
    automatic === 'SAME_LOWER' ? Math.ceil(pads / 2) : Math.floor(pads / 2),
  );
  return [top, left, (total[0] ?? 0) - (top ?? 0), (total[1] ?? 0) - (left ?? 0)] as Padding;
}

/** Padding with which an axis keeps ceil(size / stride) positions. */
function same(size: number, axis: 0 | 1, kernel: Pair, strides: Pair, dilations: Pair): number {
  const extent = dilations[axis] * (kernel[axis] - 1) + 1;
  return Math.max(0, (Math.ceil(size / strides[axis]) - 1) * strides[axis] + extent - size);
}

function explicit(context: OnnxContext): Padding {
  const pads = context.attributes.ints('pads', [0, 0, 0, 0]);
  if (pads.length !== 4 || pads.some((size) => size < 0)) {
    context.decline(`its pads [${pads.join(',')}] are not four sizes`);
  }
  return pads as unknown as Padding;
}
