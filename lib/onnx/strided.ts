// Rearranging constants: every element of a result is read from the source at a distance that is
// linear in its position. Transposing, broadcasting and slicing are choices of strides.

import { elements, type Shape } from '../shape.js';

/** Where the element at position (i1, ..., in) lies: offset + sum of ik strides[k]. */
export interface Strided {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Row-major: the last axis is contiguous. */
export function rowMajor(shape: Shape): Strided {
  const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)));
  return { shape, strides, offset: 0 };
}

/** `source` repeated to the larger `shape`, aligned at the last axis. */
export function broadcastTo(source: Shape, shape: Shape): Strided {
  const { strides } = rowMajor(source);
  const missing = shape.length - source.length;
  const repeated = shape.map((_, axis) =>
    source[axis - missing] === 1 ? 0 : (strides[axis - missing] ?? 0),
  );
  return { shape, strides: repeated, offset: 0 };
}

/** The elements in row-major order of the view. */
export function gather(
  data: ArrayLike<number>,
  { shape, strides, offset }: Strided,
): Float32Array | Float64Array {
  const size = elements(shape);
  const result = data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  const last = shape.length - 1;
  let next = 0;
  const run = (at: number, count: number, stride: number): void => {
    for (let i = 0; i < count; i++) result[next++] = data[at + i * stride] as number;
  };
  const visit = (axis: number, at: number): void => {
    const [count, stride] = [shape[axis] as number, strides[axis] as number];
    if (axis === last) run(at, count, stride);
    else for (let i = 0; i < count; i++) visit(axis + 1, at + i * stride);
  };
  if (last < 0) run(offset, 1, 0);
  else visit(0, offset);
  return result;
}
