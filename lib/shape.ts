// Shapes and element types of tensors. Logical layout is always row-major, images are [N, C, H, W];
// what a device does with the memory is its own affair.

import { HalfspaceError } from './errors.js';

/** Dimensions of a tensor, outermost first; a scalar is `[]`. */
export type Shape = readonly number[];

/** Element types that cross the native boundary. */
export type DType = 'f32' | 'f64' | 'i32';

/** What a value is, without its contents. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A float tensor type, the common case. */
export const f32 = (shape: Shape): TensorType => ({ dtype: 'f32', shape });

/** Number of elements; 1 for a scalar. */
export const elements = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** `[8,64,16,16]`; the first numbers of a list that is longer than any shape should be. */
export function formatShape(shape: Shape): string {
  const most = 64;
  const more = shape.length > most ? `,... ${shape.length} in all` : '';
  return `[${shape.slice(0, most).join(',')}${more}]`;
}

/** `f32[8,64,16,16]` */
export const formatType = (type: TensorType): string => type.dtype + formatShape(type.shape);

/** The size along `axis`; throws where the axis does not exist. */
export function dim(shape: Shape, axis: number): number {
  const size = shape[axis];
  if (size === undefined) {
    throw new HalfspaceError('ERR_SHAPE', `shape ${formatShape(shape)} has no axis ${axis}`);
  }
  return size;
}

/**
 * Shape that two operands broadcast to (ONNX multidirectional broadcasting).
 * Throws ERR_SHAPE where they do not fit.
 */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new HalfspaceError(
        'ERR_SHAPE',
        `${formatShape(a)} and ${formatShape(b)} do not broadcast: axis ${axis} has ${left} and ${right}`,
      );
    }
    return left === 1 ? right : left;
  });
}
