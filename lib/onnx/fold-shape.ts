// Constant folding that moves elements without computing on them: making, joining, cutting and
// reshaping constants.

import { turnedBy } from '../ops/onnx-reader.js';
import { cutsOf } from '../ops/onnx-slice.js';
import { broadcast, elements, formatShape, sameShape, type Shape } from '../shape.js';
import {
  axisOf,
  integers,
  list,
  listOrAttribute,
  operand,
  shaped,
  tabulate,
  type Constant,
  type ConstantNode,
  type Evaluator,
  type PartsEvaluator,
} from './constant.js';
import { damaged } from './model-error.js';
import { broadcastTo, gather, rowMajor } from './strided.js';
import { checkShape, readTensor, unreadType } from './tensor.js';

const constant: Evaluator = ({ name, attributes }) => {
  if (attributes.has('value')) {
    const tensor = attributes.tensor('value');
    if (unreadType(tensor) !== null) return null;
    const { dtype, shape, data } = readTensor(tensor, name);
    return { dtype, shape, data };
  }
  if (attributes.has('value_int')) return { dtype: 'int', shape: [], data: [attributes.int('value_int')] };
  if (attributes.has('value_ints')) return integers(attributes.ints('value_ints'));
  if (attributes.has('value_float'))
    return { dtype: 'float', shape: [], data: [attributes.float('value_float')] };
  if (!attributes.has('value_floats')) return null;
  const data = attributes.floats('value_floats');
  return { dtype: 'float', shape: [data.length], data };
};

/** A constant filled with one value, zero by default. */
const constantOfShape: Evaluator = (node) => {
  const shape = list(node, 0);
  const tensor = node.attributes.has('value') ? node.attributes.tensor('value') : null;
  if (tensor && unreadType(tensor) !== null) return null;
  const value: Constant = tensor ? readTensor(tensor, node.name) : { dtype: 'float', shape: [1], data: [0] };
  const count = checkShape(`'${node.name}'`, shape);
  node.claim(count);
  return { dtype: value.dtype, shape, data: new Float64Array(count).fill(value.data[0] ?? 0) };
};

const range: Evaluator = (node) => {
  const [start = 0, limit = 0, step = 1] = [0, 1, 2].map((index) => list(node, index)[0]);
  const length = Math.max(0, Math.ceil((limit - start) / step));
  node.claim(length);
  const data = tabulate(length, (i) => start + i * step);
  return { dtype: operand(node, 0).dtype, shape: [length], data };
};

const expand: Evaluator = (node) => {
  const source = operand(node, 0);
  const { dtype, shape: from, data } = source;
  const shape = broadcast(from, list(node, 1));
  if (sameShape(from, shape)) return source;
  node.claim(checkShape(`'${node.name}'`, shape));
  return { dtype, shape, data: gather(data, broadcastTo(from, shape)) };
};

/** In the target, 0 copies an axis (unless `allowzero` is set) and one -1 takes what is left. */
const reshape: Evaluator = (node) => {
  const source = operand(node, 0);
  const copies = node.attributes.int('allowzero', 0) === 0;
  const known = list(node, 1).map((size, axis) => (size === 0 && copies ? (source.shape[axis] ?? 0) : size));
  const rest = source.data.length / elements(known.filter((size) => size !== -1));
  return shaped(
    node,
    source,
    known.map((size) => (size === -1 ? rest : size)),
  );
};

const flatten: Evaluator = (node) => {
  const source = operand(node, 0);
  const axis = node.attributes.int('axis', 1);
  const cut = axis < 0 ? axis + source.shape.length : axis;
  return shaped(node, source, [elements(source.shape.slice(0, cut)), elements(source.shape.slice(cut))]);
};

const squeeze: Evaluator = (node) => {
  const source = operand(node, 0);
  const { shape } = source;
  const axes = listOrAttribute(node, 1, 'axes')?.map((axis) => axisOf(node, axis, shape.length));
  const drops = (axis: number): boolean => (axes ? axes.includes(axis) : shape[axis] === 1);
  return shaped(
    node,
    source,
    shape.filter((_, axis) => !drops(axis)),
  );
};

const unsqueeze: Evaluator = (node) => {
  const source = operand(node, 0);
  const listed = listOrAttribute(node, 1, 'axes') ?? damaged(`'${node.name}': axes are missing`);
  const rank = source.shape.length + listed.length;
  const axes = new Set(listed.map((axis) => axisOf(node, axis, rank)));
  const sizes = [...source.shape];
  return shaped(
    node,
    source,
    Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (sizes.shift() ?? 1))),
  );
};

const transpose: Evaluator = (node) => {
  const source = operand(node, 0);
  const { dtype, shape, data } = source;
  const { strides } = rowMajor(shape);
  const order = node.attributes.ints('perm', [...shape.keys()].toReversed());
  const axes = order.map((axis) => axisOf(node, axis, shape.length));
  if (new Set(axes).size !== shape.length) damaged(`'${node.name}': [${order.join(',')}] is no permutation`);
  node.claim(data.length);
  const pick = (of: readonly number[]): number[] => axes.map((axis) => of[axis] as number);
  const permuted = { shape: pick(shape), strides: pick(strides), offset: 0 };
  return { dtype, shape: permuted.shape, data: gather(data, permuted), turned: turnedBy(source, axes) };
};

const concat: Evaluator = (node) => {
  const parts = node.inputs.map((_, index) => operand(node, index));
  const first = operand(node, 0);
  const axis = axisOf(node, node.attributes.int('axis'), first.shape.length);
  const fits = (shape: Shape): boolean =>
    shape.length === first.shape.length && shape.every((size, i) => i === axis || size === first.shape[i]);
  if (!parts.every((part) => fits(part.shape)))
    damaged(`'${node.name}': the parts differ in more than axis ${axis}`);
  const size = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  const shape = first.shape.with(axis, size);
  node.claim(elements(shape));
  return { dtype: first.dtype, shape, data: interleaved(parts, axis, elements(first.shape.slice(0, axis))) };
};

/** `rows` times a run of each part in turn; a run is what lies within one position before the axis. */
function interleaved(parts: readonly Constant[], axis: number, rows: number): Float64Array {
  const runs = parts.map((part) => ({
    data: Float64Array.from(part.data),
    run: elements(part.shape.slice(axis)),
  }));
  const result = new Float64Array(runs.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const { data, run } of runs) {
      result.set(data.subarray(row * run, (row + 1) * run), at);
      at += run;
    }
  }
  return result;
}

/** Takes positions along an axis; the indices' shape stands in its place. */
const gatherAxis: Evaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const indices = operand(node, 1);
  const axis = axisOf(node, node.attributes.int('axis', 0), shape.length);
  const size = shape[axis] as number;
  const outer = elements(shape.slice(0, axis));
  const inner = elements(shape.slice(axis + 1));
  const count = indices.data.length;
  node.claim(outer * count * inner + count);
  const positions = tabulate(count, (i) => axisOf(node, indices.data[i] as number, size));
  const result = new Float64Array(outer * count * inner);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const position of positions) {
      const start = (row * size + position) * inner;
      for (let i = 0; i < inner; i++) result[at++] = data[start + i] as number;
    }
  }
  return {
    dtype,
    shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)],
    data: result,
  };
};

/** Where in the data each row of indices (the last axis) points, and how many elements lie there. */
function pointed(node: ConstantNode, shape: Shape, indices: Constant) {
  const depth = indices.shape.at(-1) ?? damaged(`'${node.name}': its indices are one number`);
  if (depth > shape.length) damaged(`'${node.name}': indices of ${depth} axes for ${formatShape(shape)}`);
  const { strides } = rowMajor(shape);
  const rows = elements(indices.shape.slice(0, -1));
  node.claim(rows + indices.data.length);
  const starts = tabulate(rows, (row) => {
    let start = 0;
    for (let axis = 0; axis < depth; axis++) {
      const index = indices.data[row * depth + axis] as number;
      start += axisOf(node, index, shape[axis] as number) * (strides[axis] as number);
    }
    return start;
  });
  return { starts, run: elements(shape.slice(depth)), rest: shape.slice(depth) };
}

/** Takes what a list of positions points to. */
const gatherPositions: Evaluator = (node) => {
  if (node.attributes.int('batch_dims', 0) !== 0) return null;
  const { dtype, shape, data } = operand(node, 0);
  const indices = operand(node, 1);
  const { starts, run, rest } = pointed(node, shape, indices);
  node.claim(starts.length * run);
  const result = new Float64Array(starts.length * run);
  starts.forEach((start, row) => {
    for (let i = 0; i < run; i++) result[row * run + i] = data[start + i] as number;
  });
  return { dtype, shape: [...indices.shape.slice(0, -1), ...rest], data: result };
};

/** The data with updates where a list of positions points to; later ones win. */
const scatterPositions: Evaluator = (node) => {
  if (node.attributes.string('reduction', 'none') !== 'none') return null;
  const { dtype, shape, data } = operand(node, 0);
  const updates = operand(node, 2).data;
  const { starts, run } = pointed(node, shape, operand(node, 1));
  if (updates.length !== starts.length * run)
    damaged(`'${node.name}': ${updates.length} updates for ${starts.length} positions of ${run} elements`);
  node.claim(data.length);
  const result = Float64Array.from(data);
  starts.forEach((start, row) => {
    for (let i = 0; i < run; i++) result[start + i] = updates[row * run + i] as number;
  });
  return { dtype, shape, data: result };
};

const slice: Evaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const starts = list(node, 1);
  const ends = list(node, 2);
  const axes = node.inputs[3] ? list(node, 3) : [...starts.keys()];
  const steps = node.inputs[4] ? list(node, 4) : starts.map(() => 1);
  let view = rowMajor(shape);
  const front = (axis: number): number => axisOf(node, axis, shape.length);
  const refuse = (message: string): never => damaged(`'${node.name}': ${message}`);
  for (const { axis, start, step, length } of cutsOf({ starts, ends, axes, steps }, shape, front, refuse)) {
    const stride = view.strides[axis] as number;
    view = {
      shape: view.shape.with(axis, Math.max(0, length)),
      strides: view.strides.toSpliced(axis, 1, stride * step),
      offset: view.offset + start * stride,
    };
  }
  node.claim(elements(view.shape));
  return { dtype, shape: view.shape, data: gather(data, view) };
};

/** Whole copies beside each other: every axis is the copies and what each of them holds. */
const tile: Evaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const copies = list(node, 1);
  if (copies.length !== shape.length)
    damaged(`'${node.name}': ${copies.length} repeats of ${formatShape(shape)}`);
  const repeated = shape.map((size, axis) => size * (copies[axis] as number));
  node.claim(checkShape(`'${node.name}'`, repeated));
  const { strides } = rowMajor(shape);
  const view = {
    shape: shape.flatMap((size, axis) => [copies[axis] as number, size]),
    strides: strides.flatMap((stride) => [0, stride]),
    offset: 0,
  };
  return { dtype, shape: repeated, data: gather(data, view) };
};

/** A border of one number around all axes, or the listed ones. */
const pad: Evaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const pads = list(node, 1);
  if (node.attributes.string('mode', 'constant') !== 'constant' || pads.some((count) => count < 0))
    return null;
  const axes = node.inputs[3]
    ? list(node, 3).map((axis) => axisOf(node, axis, shape.length))
    : [...shape.keys()];
  if (pads.length !== 2 * axes.length) damaged(`'${node.name}': ${pads.length} pads of ${axes.length} axes`);
  const border = (axis: number, side: 0 | 1): number => pads[axes.indexOf(axis) + side * axes.length] ?? 0;
  const before = shape.map((_, axis) => (axes.includes(axis) ? border(axis, 0) : 0));
  const after = shape.map((_, axis) => (axes.includes(axis) ? border(axis, 1) : 0));
  const wide = shape.map((size, axis) => (before[axis] as number) + size + (after[axis] as number));
  const count = checkShape(`'${node.name}'`, wide);
  node.claim(2 * count);
  const { strides } = rowMajor(wide);
  const offset = before.reduce((at, size, axis) => at + size * (strides[axis] as number), 0);
  const places = gather(
    tabulate(count, (i) => i),
    { shape, strides, offset },
  );
  const result = new Float64Array(count).fill(node.inputs[2]?.data[0] ?? 0);
  places.forEach((place, i) => {
    result[place] = data[i] as number;
  });
  return { dtype, shape: wide, data: result };
};

export const rearrangement: ReadonlyMap<string, Evaluator> = new Map<string, Evaluator>([
  ['Concat', concat],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Gather', gatherAxis],
  ['GatherND', gatherPositions],
  ['Identity', (node) => operand(node, 0)],
  ['Pad', pad],
  ['Range', range],
  ['Reshape', reshape],
  ['ScatterND', scatterPositions],
  ['Slice', slice],
  ['Squeeze', squeeze],
  ['Tile', tile],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
]);

/** The sizes of a tensor, or those from `start` to `end`. */
const shapeOf: Evaluator = ({ types: [type], attributes }) =>
  type
    ? integers(type.shape.slice(attributes.int('start', 0), attributes.int('end', type.shape.length)))
    : null;

const sizeOf: Evaluator = ({ types: [type] }) =>
  type ? { dtype: 'int', shape: [], data: [elements(type.shape)] } : null;

/** A constant in the type of another tensor. */
const castLike: Evaluator = ({ inputs: [source], types: [, type] }) => {
  if (!source || !type) return null;
  const { shape, data } = source;
  if (type.dtype !== 'i32') return { dtype: 'float', shape, data };
  return { dtype: 'int', shape, data: Array.from(data, Math.trunc) };
};

/** Operators that ask for a type alone; what that tensor holds need not be known. */
export const typeQueries: ReadonlyMap<string, Evaluator> = new Map<string, Evaluator>([
  ['CastLike', castLike],
  ['Shape', shapeOf],
  ['Size', sizeOf],
]);

/** Sizes are an input, an attribute (before operator set 13), or equal, the last one smaller where they do not fit. */
function partSizes(node: ConstantNode, size: number): readonly number[] {
  const listed = listOrAttribute(node, 1, 'split');
  if (listed) return listed;
  const part = Math.ceil(size / node.outputs);
  return Array.from({ length: node.outputs }, (_, k) => Math.min(part, size - k * part));
}

const split: PartsEvaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const axis = axisOf(node, node.attributes.int('axis', 0), shape.length);
  const sizes = partSizes(node, shape[axis] as number);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => size < 0) || total !== shape[axis])
    damaged(`'${node.name}': parts of ${sizes.join(', ')} of an axis of size ${shape[axis]}`);
  node.claim(data.length);
  const { strides } = rowMajor(shape);
  let start = 0;
  return sizes.map((size) => {
    const view = { shape: shape.with(axis, size), strides, offset: start * (strides[axis] as number) };
    start += size;
    return { dtype, shape: view.shape, data: gather(data, view) };
  });
};

/** Operators that give several constants. */
export const partition: ReadonlyMap<string, PartsEvaluator> = new Map([['Split', split]]);
