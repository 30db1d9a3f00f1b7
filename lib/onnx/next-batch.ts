// Where the batch lies in values of a network that is being read, without asking any operator: what its
// types would be if there were one image more. An axis that differs holds the batch.

import { HalfspaceError } from '../errors.js';
import { batchOf, typesAtBatch, type GraphBuilder, type Node, type Value } from '../graph.js';
import { sameType, type TensorType } from '../shape.js';
import { whyOpaque } from '../ops/opaque.js';

/** Types at the next batch size; null for what does not work at any but its own. */
export class NextBatch {
  readonly #network: GraphBuilder;
  readonly #types = new Map<Value, TensorType | null>();
  #seen = 0;

  /** Asked for a type, it knows all inputs of `network`. */
  constructor(network: GraphBuilder) {
    this.#network = network;
  }

  /** The type of a value that exists by now. */
  type(value: Value): TensorType | null {
    const { inputs, nodes } = this.#network;
    if (this.#types.size === 0) this.#start(inputs);
    for (; this.#seen < nodes.length; this.#seen++) this.#infer(nodes[this.#seen] as Node);
    return this.#known(value);
  }

  #start(inputs: readonly Value[]): void {
    const types = typesAtBatch(inputs, batchOf(inputs) + 1);
    inputs.forEach((value, index) => this.#types.set(value, types[index] ?? null));
  }

  #known(value: Value): TensorType | null {
    return value.origin === 'parameter' ? value.type : (this.#types.get(value) ?? null);
  }

  #infer(node: Node): void {
    const types = this.#results(node);
    node.outputs.forEach((value, index) => this.#types.set(value, types[index] ?? null));
  }

  /** None where they are not known: an operator that cannot run may say the same types for any batch. */
  #results(node: Node): readonly TensorType[] {
    const inputs = node.inputs.map((value) => this.#known(value));
    if (!inputs.every((type) => type !== null)) return [];
    const results = unlessMisfit(() => node.op.infer(inputs));
    if (whyOpaque(node) === null) return results;
    const changes = !haveTypes(node.inputs, inputs);
    return changes && haveTypes(node.outputs, results) ? [] : results;
  }
}

const haveTypes = (values: readonly Value[], types: readonly TensorType[]): boolean =>
  types.every((type, index) => sameType(type, (values[index] as Value).type));

function unlessMisfit(infer: () => readonly TensorType[]): readonly TensorType[] {
  try {
    return infer();
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_SHAPE') return [];
    throw error;
  }
}
