// Reference kernels that look at windows of an image or change its resolution: pooling and resizing,
// forward and backward.

import type { Attributes } from '../lib/graph.js';
import { at, imageShape, numbersOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/**
 * Calls `visit` for each output element with the flat indices of x in its window, in scan order, and
 * with the number of places in it that lie in the padded image (a last window may go beyond that).
 */
function forEachWindow(
  x: Operand,
  y: Operand,
  attrs: Attributes,
  visit: (y: number, window: readonly number[], padded: number) => void,
): void {
  const [, , H, W] = imageShape(x);
  const [N, C, P, Q] = imageShape(y);
  const [KH = 1, KW = 1] = numbersOf(attrs, 'kernel');
  const [strideH = 1, strideW = 1] = numbersOf(attrs, 'strides');
  const [dilationH = 1, dilationW = 1] = numbersOf(attrs, 'dilations', [1, 1]);
  const [top = 0, left = 0, bottom = 0, right = 0] = numbersOf(attrs, 'padding');
  for (let plane = 0; plane < N * C; plane += 1)
    for (let p = 0; p < P; p += 1)
      for (let q = 0; q < Q; q += 1) {
        const window: number[] = [];
        let padded = 0;
        for (let i = 0; i < KH; i += 1)
          for (let j = 0; j < KW; j += 1) {
            const h = p * strideH + i * dilationH - top;
            const v = q * strideW + j * dilationW - left;
            if (h < H + bottom && v < W + right) padded += 1;
            if (h >= 0 && h < H && v >= 0 && v < W) window.push((plane * H + h) * W + v);
          }
        visit((plane * P + p) * Q + q, window, padded);
      }
}

function add(target: Float64Array, index: number, value: number): void {
  target[index] = (target[index] as number) + value;
}

/** The index in the window whose element is largest, the first of equals. */
const argmax = (x: Operand, window: readonly number[]): number =>
  window.reduce((best, i) => ((x.data[i] as number) > (x.data[best] as number) ? i : best));

const maxPool: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  forEachWindow(x, y, attrs, (index, window) => {
    y.data[index] = x.data[argmax(x, window)] as number;
  });
};

const maxPoolBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [dy, x, dx] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  dx.data.fill(0);
  forEachWindow(x, dy, attrs, (index, window) => {
    add(dx.data, argmax(x, window), dy.data[index] as number);
  });
};

const averagePool: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  forEachWindow(x, y, attrs, (index, window, padded) => {
    const total = window.reduce((sum, i) => sum + (x.data[i] as number), 0);
    y.data[index] = total / (attrs['countIncludePad'] ? padded : window.length);
  });
};

const averagePoolBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [dy, dx] = [at(inputs, 0), at(outputs, 0)];
  dx.data.fill(0);
  forEachWindow(dx, dy, attrs, (index, window, padded) => {
    const share = (dy.data[index] as number) / (attrs['countIncludePad'] ? padded : window.length);
    for (const i of window) add(dx.data, i, share);
  });
};

/** The one window that covers the image. */
function wholeImage(x: Operand): Attributes {
  const [, , H, W] = imageShape(x);
  return { kernel: [H, W], strides: [1, 1], padding: [0, 0, 0, 0], countIncludePad: false };
}

const globalAveragePool: ReferenceKernel = (inputs, outputs) =>
  averagePool(inputs, outputs, wholeImage(at(inputs, 0)));

const globalAveragePoolBackward: ReferenceKernel = (inputs, outputs) =>
  averagePoolBackward(inputs, outputs, wholeImage(at(outputs, 0)));

interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** The place among `from` elements that element `i` of `to` elements looks at. */
function coordinate(i: number, from: number, to: number, coordinates: string): number {
  switch (coordinates) {
    case 'half_pixel':
      return ((i + 0.5) * from) / to - 0.5;
    case 'asymmetric':
      return (i * from) / to;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    default:
      throw new Error(`unknown coordinates '${coordinates}'`);
  }
}

/** Nearest rounds down for asymmetric coordinates, else to the nearest, halves down. */
function taps(i: number, from: number, to: number, attrs: Attributes): readonly Tap[] {
  const place = coordinate(i, from, to, String(attrs['coordinates']));
  const inside = (index: number): number => Math.min(from - 1, Math.max(0, index));
  if (attrs['mode'] === 'nearest') {
    const nearest = attrs['coordinates'] === 'asymmetric' ? Math.floor(place) : Math.ceil(place - 0.5);
    return [{ index: inside(nearest), weight: 1 }];
  }
  const clamped = inside(place);
  const low = Math.floor(clamped);
  return [
    { index: low, weight: 1 - (clamped - low) },
    { index: inside(low + 1), weight: clamped - low },
  ];
}

/** Visits y = sum of weight * x over all taps, as (x index, y index, weight). */
function forEachTap(
  x: Operand,
  y: Operand,
  attrs: Attributes,
  visit: (x: number, y: number, weight: number) => void,
): void {
  const [N, C, H, W] = imageShape(x);
  const [, , P, Q] = imageShape(y);
  for (let plane = 0; plane < N * C; plane += 1)
    for (let p = 0; p < P; p += 1)
      for (let q = 0; q < Q; q += 1)
        for (const row of taps(p, H, P, attrs))
          for (const column of taps(q, W, Q, attrs)) {
            const from = (plane * H + row.index) * W + column.index;
            visit(from, (plane * P + p) * Q + q, row.weight * column.weight);
          }
}

const resize: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  y.data.fill(0);
  forEachTap(x, y, attrs, (from, to, weight) => add(y.data, to, weight * (x.data[from] as number)));
};

const resizeBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [dy, dx] = [at(inputs, 0), at(outputs, 0)];
  dx.data.fill(0);
  forEachTap(dx, dy, attrs, (from, to, weight) => add(dx.data, from, weight * (dy.data[to] as number)));
};

export const windowKernels: Readonly<Record<string, ReferenceKernel>> = {
  max_pool: maxPool,
  max_pool_backward: maxPoolBackward,
  average_pool: averagePool,
  average_pool_backward: averagePoolBackward,
  global_average_pool: globalAveragePool,
  global_average_pool_backward: globalAveragePoolBackward,
  resize,
  resize_backward: resizeBackward,
};
