// The arithmetic of sliding windows, shared by convolution and pooling: checks of the attributes and
// the size of the result. Knows no operator.

import { mismatch } from './operator.js';

/** Height and width. */
export type Pair = readonly [number, number];

/** Top, left, bottom, right. */
export type Padding = readonly [number, number, number, number];

export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilations: Pair;
  /** Whether a last, partial window counts (ONNX `ceil_mode`). */
  readonly ceil?: boolean;
}

/** Height and width that remain of an image of `height` times `width`. */
export function windowed(height: number, width: number, window: Window): Pair {
  const { kernel, strides, dilations, padding } = window;
  requireWhole('kernel', kernel, 1);
  requireWhole('strides', strides, 1);
  requireWhole('dilations', dilations, 1);
  requireWhole('padding', padding, 0);
  return [
    positions(height, 0, window, padding[0], padding[2]),
    positions(width, 1, window, padding[1], padding[3]),
  ];
}

function requireWhole(what: string, sizes: readonly number[], least: number): void {
  if (sizes.every((size) => Number.isInteger(size) && size >= least)) return;
  mismatch(`${what}: expected whole numbers from ${least}, got ${sizes.join(', ')}`);
}

/** Number of windows along one axis: (size + padding - extent) / stride + 1. */
function positions(size: number, axis: 0 | 1, window: Window, before: number, after: number): number {
  const stride = window.strides[axis];
  const extent = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
  const room = size + before + after - extent;
  if (room < 0) {
    mismatch(
      `a window of ${extent} does not fit into ${axis === 0 ? 'height' : 'width'} ${size}` +
        ` with padding ${before} and ${after}`,
    );
  }
  if (!window.ceil) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  // A partial window that would start in the far padding sees nothing and does not count.
  return (count - 1) * stride >= size + before ? count - 1 : count;
}
