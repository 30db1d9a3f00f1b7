// What an operator's file says to read its ONNX form back: a reader makes our nodes from one ONNX node.
// The importer knows the graph and no operator, a reader knows the operator and no file.

import type { Op, Value } from '../graph.js';
import { dim, type Shape, type TensorType } from '../shape.js';

/** A constant of an ONNX file. Integers and flags are held as numbers too; only arithmetic tells them apart. */
export interface OnnxTensor {
  readonly name: string;
  /** Whether it is one of the file's weights, rather than computed or written among the nodes. */
  readonly stored: boolean;
  readonly dtype: 'float' | 'int';
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  /** Where it is another one with its axes in another order. */
  readonly turned?: Turned;
}

/** A tensor whose axis i is axis order[i] of `from`. */
export interface Turned {
  readonly from: Omit<OnnxTensor, 'name' | 'stored'>;
  readonly order: readonly number[];
}

/** What `tensor` is with its axes in another order, however often that has been done before. */
export function turnedBy(tensor: Turned['from'], order: readonly number[]): Turned {
  const { turned } = tensor;
  return turned
    ? { from: turned.from, order: order.map((axis) => turned.order[axis] as number) }
    : { from: tensor, order };
}

/** Attributes of a node by name; without a fallback a missing one is ERR_MODEL. */
export interface OnnxAttributes {
  has(name: string): boolean;
  int(name: string, fallback?: number): number;
  float(name: string, fallback?: number): number;
  string(name: string, fallback?: string): string;
  ints(name: string, fallback?: readonly number[]): readonly number[];
}

/** Another arrangement of a constant, such as a transposed weight; one function is one arrangement. */
export type OnnxLayout = (tensor: OnnxTensor) => OnnxTensor;

/** One ONNX node, and the means to say the same in our graph. */
export interface OnnxContext {
  readonly opType: string;
  /** Version of the default operator set. */
  readonly opset: number;
  readonly attributes: OnnxAttributes;
  /** Number of inputs and outputs, absent ones in between included. */
  readonly inputs: number;
  readonly outputs: number;
  given(index: number): boolean;
  type(index: number): TensorType;
  /** That type if the batch had one image more; null where the network works at no other batch size. */
  nextType(index: number): TensorType | null;
  /** The contents of input `index` where they are known before a run. */
  constant(index: number): OnnxTensor | null;
  /** Input `index` as data; a constant becomes a parameter that is not trained, arranged as `layout` says. */
  data(index: number, layout?: OnnxLayout): Value;
  /** The tensors of input `index`, which is a sequence. Declines where it is none. */
  sequence(index: number): readonly Value[];
  /**
   * Constant input `index` as a trained parameter, or as one that is there already with its axes in another
   * order. Declines where it is no constant.
   */
  trained(index: number, layout?: OnnxLayout): Value;
  /** Constant input `index` as a parameter that only statistics change. Declines likewise. */
  statistic(index: number): Value;
  /** Adds a node; the first is named like the ONNX node, the second like one that was absorbed. */
  emit(op: Op, inputs: readonly Value[]): readonly Value[];
  /**
   * Where the only reader of the first output is an `opType` node with a constant that `accept`s: that
   * constant as a trained parameter; the reader then counts as read, and our result stands for its own.
   */
  absorb(opType: string, accept: (tensor: OnnxTensor) => boolean): Value | null;
  /** Says what is lost in reading the node; nodes that say the same are told of together. */
  note(loss: string): void;
  /** States that the operator cannot say what this node says; the node becomes opaque. */
  decline(reason: string): never;
}

/** Our values for the outputs of an ONNX node, in order, a list for a sequence; trailing ones may be missing. */
export type OnnxReader = (context: OnnxContext) => readonly (Value | readonly Value[])[];

export type OnnxReaders = Readonly<Record<string, OnnxReader>>;

/** The reader of an operator with one data input and no attributes. */
export const mapReader =
  (op: () => Op): OnnxReader =>
  (context) =>
    context.emit(op(), [context.data(0)]);

/** Whether a constant is zeros that the file computes rather than holds: an exporter's way to say that there is none. */
export const isComputedZero = (constant: OnnxTensor | null): boolean => isComputed(constant, 0);

/** Likewise ones, where there is nothing to multiply by. */
export const isComputedOne = (constant: OnnxTensor | null): boolean => isComputed(constant, 1);

const isComputed = (constant: OnnxTensor | null, value: number): boolean =>
  constant !== null && !constant.stored && isAll(constant, value);

/** Whether all elements are `value`. */
export const isAll = ({ data }: OnnxTensor, value: number): boolean =>
  Array.from(data).every((x) => x === value);

/** The numbers that constant input `index` lists. */
export function listed(context: OnnxContext, index: number): readonly number[] {
  return Array.from(context.constant(index)?.data ?? context.decline(`input ${index} is not constant`));
}

/** The axis of input 0 that holds the batch, or -1. */
export function batchAxis(context: OnnxContext): number {
  const { shape } = context.type(0);
  const next = context.nextType(0)?.shape ?? shape.with(0, dim(shape, 0) + 1);
  return shape.findIndex((size, axis) => size !== next[axis]);
}

/** Declines where one of `axes` holds the batch, of which a network has another number of images each time. */
export function requireApart(context: OnnxContext, ...axes: readonly number[]): void {
  if (axes.includes(batchAxis(context))) context.decline('it takes images of the batch');
}

/** Input `index` as a trained parameter where it is one of the file's weights, else as data. */
export const weightOrData = (context: OnnxContext, index: number): Value =>
  context.constant(index)?.stored ? context.trained(index) : context.data(index);
