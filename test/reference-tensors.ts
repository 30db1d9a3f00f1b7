// Reference kernels for tensors of any rank: taking parts, permuting and reducing axes, broadcasting
// arithmetic and batched matrix products.

import type { Attributes } from '../lib/graph.js';
import { elements, type Shape } from '../lib/shape.js';
import { at, numberOf, numbersOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** Visits all positions of a shape in row-major order. */
function forEachPosition(shape: Shape, visit: (position: readonly number[], index: number) => void): void {
  const position = shape.map(() => 0);
  for (let index = 0; index < elements(shape); index += 1) {
    visit(position, index);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      position[axis] = (position[axis] as number) + 1;
      if (position[axis] !== shape[axis]) break;
      position[axis] = 0;
    }
  }
}

/** Row-major index of a position. */
const flat = (shape: Shape, position: readonly number[]): number =>
  shape.reduce((index, size, axis) => index * size + (position[axis] as number), 0);

/** The position that slicing takes element `position` from. */
function sliceSource(attrs: Attributes, position: readonly number[]): number[] {
  const source = [...position];
  const [starts, steps] = [numbersOf(attrs, 'starts'), numbersOf(attrs, 'steps')];
  numbersOf(attrs, 'axes').forEach((axis, i) => {
    source[axis] = (starts[i] as number) + (position[axis] as number) * (steps[i] as number);
  });
  return source;
}

const slice: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = x.data[flat(x.shape, sliceSource(attrs, position))] as number;
  });
};

/** Places outside y are dropped, which is what negative padding means. */
const pad: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  y.data.fill(numberOf(attrs, 'value', 0));
  forEachPosition(x.shape, (position, index) => {
    const target = sliceSource(attrs, position);
    const inside = target.every((place, axis) => place >= 0 && place < (y.shape[axis] as number));
    if (inside) y.data[flat(y.shape, target)] = x.data[index] as number;
  });
};

const transpose: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const permutation = numbersOf(attrs, 'permutation');
  forEachPosition(y.shape, (position, index) => {
    const source = x.shape.map((_, axis) => position[permutation.indexOf(axis)] as number);
    y.data[index] = x.data[flat(x.shape, source)] as number;
  });
};

/** The element of `x` that broadcasting shows at a position of a larger shape. */
function broadcastAt(x: Operand, position: readonly number[]): number {
  const own = position.slice(position.length - x.shape.length);
  const source = own.map((place, axis) => (x.shape[axis] === 1 ? 0 : place));
  return x.data[flat(x.shape, source)] as number;
}

const expand: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = numberOf(attrs, 'factor', 1) * broadcastAt(x, position);
  });
};

const functions: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  greater: (a, b) => (a > b ? 1 : 0),
  greater_or_equal: (a, b) => (a >= b ? 1 : 0),
  select: (a, b) => (b === 0 ? 0 : a),
  reject: (a, b) => (b === 0 ? a : 0),
  leaky: (a, b) => (a < 0 ? b * a : a),
  leaky_slope: (a, b) => (a > 0 ? 1 : b),
};

const binary: ReferenceKernel = (inputs, outputs, attrs) => {
  const [a, b, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const f = functions[String(attrs['function'])];
  if (!f) throw new Error(`unknown function '${String(attrs['function'])}'`);
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = f(broadcastAt(a, position), broadcastAt(b, position));
  });
};

const dot: ReferenceKernel = (inputs, outputs) => {
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  at(outputs, 0).data[0] = a.data.reduce((sum, value, index) => sum + value * (b.data[index] as number), 0);
};

const reduce: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const axes = numbersOf(attrs, 'axes');
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const count = attrs['function'] === 'mean' ? x.data.length / y.data.length : 1;
  y.data.fill(0);
  forEachPosition(x.shape, (position, index) => {
    const place = position.map((p, axis) => (axes.includes(axis) ? 0 : p));
    const target = flat(kept, place);
    y.data[target] = (y.data[target] as number) + (x.data[index] as number) / count;
  });
};

/** Matrix `index` of a stack, as a function of row and column; the only one where there is no stack. */
function matrix(x: Operand, index: number, transposed: boolean): (row: number, column: number) => number {
  const [rows = 0, columns = 0] = x.shape.slice(-2);
  const start = x.shape.length === 2 ? 0 : index * rows * columns;
  return (row, column) =>
    x.data[start + (transposed ? column * columns + row : row * columns + column)] as number;
}

const matmul: ReferenceKernel = (inputs, outputs, attrs) => {
  const [a, b, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const [M = 0, N = 0] = y.shape.slice(-2);
  const K = a.shape.at(attrs['transposeA'] ? -2 : -1) as number;
  for (let stack = 0; stack < elements(y.shape.slice(0, -2)); stack += 1) {
    const left = matrix(a, stack, attrs['transposeA'] === true);
    const right = matrix(b, stack, attrs['transposeB'] === true);
    for (let m = 0; m < M; m += 1)
      for (let n = 0; n < N; n += 1) {
        let total = 0;
        for (let k = 0; k < K; k += 1) total += left(m, k) * right(k, n);
        y.data[(stack * M + m) * N + n] = total;
      }
  }
};

export const tensorKernels: Readonly<Record<string, ReferenceKernel>> = {
  slice,
  pad,
  transpose,
  expand,
  reduce,
  binary,
  dot,
  matmul,
};
