// Reference kernels that move, broadcast, reduce and multiply whole tensors, by index arithmetic over
// any number of axes.

import type { Attributes } from '../lib/graph.js';
import { elements, type Shape } from '../lib/shape.js';
import { at, numberOf, numbersOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** Calls `visit` with every position in `shape` and its flat index, in memory order. */
function forEachPosition(shape: Shape, visit: (position: readonly number[], index: number) => void): void {
  const count = elements(shape);
  for (let index = 0; index < count; index += 1) {
    let rest = index;
    const position = shape.toReversed().map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    });
    visit(position.reverse(), index);
  }
}

/** Flat index of `position`, aligned at the last axis; axes of size one repeat. */
function indexOf(shape: Shape, position: readonly number[]): number {
  const shift = position.length - shape.length;
  return shape.reduce(
    (index, size, axis) => index * size + (size === 1 ? 0 : (position[axis + shift] as number)),
    0,
  );
}

/** Where `slice` takes the element at `position` of its result from. */
function source(position: readonly number[], attrs: Attributes): number[] {
  const axes = numbersOf(attrs, 'axes');
  const [starts, steps] = [numbersOf(attrs, 'starts'), numbersOf(attrs, 'steps')];
  return position.map((place, axis) => {
    const k = axes.indexOf(axis);
    return k < 0 ? place : (starts[k] as number) + place * (steps[k] as number);
  });
}

const slice: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = x.data[indexOf(x.shape, source(position, attrs))] as number;
  });
};

const pad: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  y.data.fill(numberOf(attrs, 'value'));
  forEachPosition(x.shape, (position, index) => {
    y.data[indexOf(y.shape, source(position, attrs))] = x.data[index] as number;
  });
};

const transpose: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const permutation = numbersOf(attrs, 'permutation');
  forEachPosition(y.shape, (position, index) => {
    const from = x.shape.map((_, axis) => position[permutation.indexOf(axis)] as number);
    y.data[index] = x.data[indexOf(x.shape, from)] as number;
  });
};

const expand: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const factor = numberOf(attrs, 'factor');
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = factor * (x.data[indexOf(x.shape, position)] as number);
  });
};

const reduce: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const axes = numbersOf(attrs, 'axes');
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const factor = attrs['function'] === 'mean' ? elements(kept) / elements(x.shape) : 1;
  y.data.fill(0);
  forEachPosition(x.shape, (position, index) => {
    const to = indexOf(kept, position);
    y.data[to] = (y.data[to] as number) + factor * (x.data[index] as number);
  });
};

const functions: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

const binary: ReferenceKernel = (inputs, outputs, attrs) => {
  const [a, b, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const f = functions[String(attrs['function'])];
  if (!f) throw new Error(`unknown function '${String(attrs['function'])}'`);
  forEachPosition(y.shape, (position, index) => {
    y.data[index] = f(
      a.data[indexOf(a.shape, position)] as number,
      b.data[indexOf(b.shape, position)] as number,
    );
  });
};

/** The element at row `i`, column `j` of a matrix, which may be stored transposed. */
function element(x: Operand, lead: readonly number[], i: number, j: number, transposed: boolean): number {
  const place = transposed ? [j, i] : [i, j];
  return x.data[indexOf(x.shape, [...lead, ...place])] as number;
}

const matmul: ReferenceKernel = (inputs, outputs, attrs) => {
  const [a, b, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const [left, right] = [attrs['transposeA'] === true, attrs['transposeB'] === true];
  const inner = a.shape.at(left ? -2 : -1) as number;
  forEachPosition(y.shape, (position, index) => {
    const [lead, [row, column]] = [position.slice(0, -2), position.slice(-2) as [number, number]];
    let total = 0;
    for (let k = 0; k < inner; k += 1) {
      total += element(a, lead, row, k, left) * element(b, lead, k, column, right);
    }
    y.data[index] = total;
  });
};

export const tensorKernels: Readonly<Record<string, ReferenceKernel>> = {
  slice,
  pad,
  transpose,
  expand,
  reduce,
  binary,
  matmul,
};
