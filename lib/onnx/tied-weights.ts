// Weights that a file reads in several orders of their axes, as autoencoders do whose decoder is the encoder
// turned around: they stay one parameter, which others than its first reader read through a transposition.

import type { GraphBuilder, Parameter, Value } from '../graph.js';
import type { OnnxTensor, Turned } from '../ops/onnx-reader.js';
import { transpose } from '../ops/transpose.js';

/** A parameter whose axis i is axis order[i] of a tensor of the file. */
interface Arrangement {
  readonly parameter: Parameter;
  readonly order: readonly number[];
}

export class TiedWeights {
  readonly #builder: GraphBuilder;
  readonly #made = new Map<Turned['from'], Arrangement>();

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  /** Remembers that `parameter` holds the contents of `tensor`. */
  add(tensor: OnnxTensor, parameter: Parameter): Parameter {
    const { from, order } = originOf(tensor);
    this.#made.set(from, { parameter, order });
    return parameter;
  }

  /** What holds the contents of `tensor` already, in its order; null where nothing does. */
  get(tensor: OnnxTensor): Value | null {
    const { from, order } = originOf(tensor);
    const made = this.#made.get(from);
    if (!made) return null;
    const permutation = order.map((axis) => made.order.indexOf(axis));
    if (permutation.every((axis, index) => axis === index)) return made.parameter;
    const name = `${made.parameter.name}.turned`;
    return this.#builder.apply(transpose(permutation), [made.parameter], name);
  }
}

const originOf = (tensor: OnnxTensor): Turned =>
  tensor.turned ?? { from: tensor, order: [...tensor.shape.keys()] };
