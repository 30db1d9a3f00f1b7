// Where the batch lies in values of a network that is being read, without asking any operator: what its
// types would be if there were one image more. An axis that differs holds the batch.

import { HalfspaceError } from '../errors.js';
import type { Node, Value } from '../graph.js';
import type { TensorType } from '../shape.js';

/** Types at the next batch size; null for what does not work at any but its own. */
export class NextBatch {
  readonly #types = new Map<Value, TensorType | null>();
  #seen = 0;

  constructor(readonly nodes: readonly Node[]) {}

  /** The type of a value that exists by now. */
  type(value: Value): TensorType | null {
    for (; this.#seen < this.nodes.length; this.#seen++) this.#infer(this.nodes[this.#seen] as Node);
    return this.#known(value);
  }

  #known(value: Value): TensorType | null {
    if (value.origin === 'parameter') return value.type;
    if (value.origin === 'input') return oneMore(value.type);
    return this.#types.get(value) ?? null;
  }

  #infer({ op, inputs, outputs }: Node): void {
    const known = inputs.map((value) => this.#known(value));
    const types = known.every((type) => type !== null) ? unlessMisfit(() => op.infer(known)) : [];
    outputs.forEach((value, index) => this.#types.set(value, types[index] ?? null));
  }
}

/** The batch is the first axis of every input. */
const oneMore = ({ dtype, shape }: TensorType): TensorType => ({
  dtype,
  shape: shape.map((size, axis) => (axis === 0 ? size + 1 : size)),
});

function unlessMisfit(infer: () => readonly TensorType[]): readonly TensorType[] {
  try {
    return infer();
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_SHAPE') return [];
    throw error;
  }
}
