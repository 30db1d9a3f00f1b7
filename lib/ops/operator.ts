// What operator families share: answers that many operators give alike, checks that word their errors
// the same way, and the one factory for operators that exist only in gradients. No operator lives here.

import { HalfspaceError, internal } from '../errors.js';
import type {
  Attributes,
  Epilogue,
  GradientContext,
  Homogeneity,
  NarrowRule,
  Op,
  OnnxConstant,
  Value,
} from '../graph.js';
import { formatShape, formatType, sameType, type Shape, type TensorType } from '../shape.js';

/** Throws ERR_SHAPE; the caller of `infer` puts the node's name and input shapes around `message`. */
export function mismatch(message: string): never {
  throw new HalfspaceError('ERR_SHAPE', message);
}

/** Input `index` of an operator, which must exist and have one of `ranks`. */
export function operand(
  inputs: readonly TensorType[],
  index: number,
  role: string,
  ...ranks: number[]
): TensorType {
  const type = inputs[index];
  if (!type) mismatch(`${role} is missing: expected at least ${index + 1} inputs, got ${inputs.length}`);
  if (ranks.length > 0 && !ranks.includes(type.shape.length)) {
    mismatch(`${role} has rank ${type.shape.length} but ${ranks.join(' or ')} was expected`);
  }
  return type;
}

/** Checks that there are between `least` and `most` inputs. */
export function arity(inputs: readonly TensorType[], least: number, most: number): void {
  if (inputs.length >= least && inputs.length <= most) return;
  const expected = least === most ? `${least}` : `${least} to ${most}`;
  mismatch(`expected ${expected} inputs, got ${inputs.length}`);
}

/** Checks one vector of `length` elements, a bias for instance. */
export function vector(inputs: readonly TensorType[], index: number, role: string, length: number): void {
  const { shape } = operand(inputs, index, role, 1);
  if (shape[0] !== length) mismatch(`${role} has ${shape[0]} elements but ${length} were expected`);
}

/** Checks that all inputs have the type of the first. */
export function alike(inputs: readonly TensorType[]): TensorType {
  const first = operand(inputs, 0, 'the first input');
  inputs.forEach((type, index) => {
    if (sameType(type, first)) return;
    mismatch(`input ${index} is ${formatType(type)} but input 0 is ${formatType(first)}`);
  });
  return first;
}

/** An axis counted from the front; throws where a tensor of `shape` has none such. */
export function axisOf(axis: number, shape: Shape): number {
  const front = axis < 0 ? axis + shape.length : axis;
  if (front < 0 || front >= shape.length || !Number.isInteger(front)) {
    mismatch(`axis ${axis} does not exist in ${formatShape(shape)}`);
  }
  return front;
}

/** `shape` with other sizes along `axes`; `k` is a position in `axes`. */
export const resized = (
  shape: Shape,
  axes: readonly number[],
  size: (old: number, k: number) => number,
): Shape => shape.map((old, axis) => (axes.includes(axis) ? size(old, axes.indexOf(axis)) : old));

/** For operators that multiply nothing that papers count. */
export const noMacs = (): number => 0;

/** For operators whose kernels have no epilogue. */
export const unfusable = (): null => null;

/** Zero rules: of an operator that cannot promise zero, */
export const neverZero = (): boolean => false;
/** of one that maps zero to zero in its first input, */
export const zeroWithFirst = (zeros: readonly boolean[]): boolean => zeros[0] === true;
/** of a sum, */
export const zeroWithAll = (zeros: readonly boolean[]): boolean => zeros.every(Boolean);
/** and of a product. */
export const zeroWithAny = (zeros: readonly boolean[]): boolean => zeros.some(Boolean);

/** Homogeneity of an operator that promises none, */
export const neverHomogeneous = (): Homogeneity => 'none';
/** of one that is linear in its first input, */
export const linearInFirst = ([first]: readonly boolean[]): Homogeneity => (first ? 'any' : 'none');
/** of a sum, */
export const linearInAll = (scaled: readonly boolean[]): Homogeneity =>
  scaled.every(Boolean) ? 'any' : 'none';
/** of a product, */
export const linearInEach = (scaled: readonly boolean[]): Homogeneity =>
  scaled.filter(Boolean).length === 1 ? 'any' : 'none';
/** of a layer w x + b, with or without bias and rectifier, */
export const linearLayer =
  (epilogue: Epilogue | undefined): Op['homogeneous'] =>
  ([x, w, b = true]) =>
    rectified(x !== w && b, epilogue);
/** and of a normalisation: statistics do not follow x. */
export const linearNorm =
  (epilogue?: Epilogue): Op['homogeneous'] =>
  ([x, scale, bias, ...statistics]) =>
    rectified((scale && bias && !x && !statistics.includes(true)) === true, epilogue);

/** Whether linear, where a rectifier that may follow lets only positive factors pass. */
export function rectified(linear: boolean, epilogue: Epilogue | undefined): Homogeneity {
  if (!linear) return 'none';
  return epilogue ? 'positive' : 'any';
}

/** Narrowing of an operator that treats channels alike and has no parameters. */
export const channelwise =
  (op: () => Op): NarrowRule =>
  (kept) => ({ op: op(), slices: [], outputs: [kept[0] ?? null] });

/** The gradient of the first output; rules are only asked where it exists. */
export function upstream(context: GradientContext): Value {
  const [gradient] = context.gradients;
  if (!gradient)
    throw internal(`the gradient of '${context.node.name}' was asked for without one of its result`);
  return gradient;
}

/** Input `index` of the node whose gradient is asked for. */
export function input(context: GradientContext, index: number): Value {
  const value = context.node.inputs[index];
  if (!value) throw internal(`node '${context.node.name}' has no input ${index}`);
  return value;
}

/** Output `index` of the node whose gradient is asked for. */
export function output(context: GradientContext, index: number): Value {
  const value = context.node.outputs[index];
  if (!value) throw internal(`node '${context.node.name}' has no output ${index}`);
  return value;
}

/** Adds a node that has one result. */
export function emitOne(context: GradientContext, op: Op, inputs: readonly Value[]): Value {
  const [result] = context.emit(op, inputs);
  if (!result) throw internal(`${op.name} has no result`);
  return result;
}

/** The gradient before an epilogue: of relu, dy where y > 0 and zero elsewhere. */
export function beforeEpilogue(context: GradientContext, epilogue: Epilogue | undefined): Value {
  const dy = upstream(context);
  if (!epilogue) return dy;
  const y = output(context, 0);
  const attrs = { function: epilogue };
  const mask = gradientOp({ name: 'EpilogueGrad', kernel: 'unary_backward', attrs, outputs: [y.type] });
  return emitOne(context, mask, [dy, y, y]);
}

/** Answers of an operator that promises nothing: a search leaves it whole, nothing fuses or exports it. */
export const promisesNothing = {
  macs: noMacs,
  onnx: null,
  zero: neverZero,
  homogeneous: neverHomogeneous,
  joint: null,
  narrow: null,
  probabilities: null,
  epilogue: null,
  fuse: unfusable,
} as const satisfies Partial<Op>;

/** What differs between operators that only gradients contain. */
export interface GradientOperator {
  readonly name: string;
  readonly kernel: string;
  readonly attrs: Attributes;
  /** Types of the results: those of the values whose gradients they are. */
  readonly outputs: readonly TensorType[];
  readonly inputs?: readonly number[];
  readonly images?: boolean;
}

/**
 * An operator of a backward pass. Its result types are known when it is made, it is never part of a
 * network that is searched or exported, and second derivatives are not offered.
 */
export function gradientOp({ name, outputs, ...call }: GradientOperator): Op {
  const { attrs } = call;
  return {
    name,
    attrs,
    infer: () => outputs,
    gradient: null,
    lower: () => call,
    ...promisesNothing,
  };
}

/** `attrs` with the epilogue, where there is one. */
export const withEpilogue = (attrs: Attributes, epilogue: Epilogue | undefined): Attributes =>
  epilogue ? { ...attrs, epilogue } : attrs;

/** A vector of integers that ONNX takes as an input. */
export const int64Vector = (data: readonly number[]): OnnxConstant => ({
  dtype: 'int64',
  shape: [data.length],
  data,
});

/** A float scalar that ONNX takes as an input. */
export const floatScalar = (value: number): OnnxConstant => ({ dtype: 'float32', shape: [], data: [value] });
