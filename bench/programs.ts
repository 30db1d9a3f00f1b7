// Programs of a single kernel, for whoever asks what the machine or one kernel can do.

import type { Program, Tensor } from '../lib/compile/program.js';
import type { Attributes } from '../lib/graph.js';
import type { Shape } from '../lib/shape.js';

/** One call; its operands live in arenas, so that nothing is copied between runs. */
export interface Call {
  readonly kernel: string;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  readonly attrs: Attributes;
}

/** A program with one entry, named after the kernel. */
export function programOf({ kernel, inputs, output, attrs }: Call): Program {
  const shapes = [...inputs, output];
  const tensors = shapes.map((shape, arena): Tensor => ({
    name: `operand${arena}`,
    dtype: 'f32',
    shape,
    storage: { kind: 'arena', arena, offset: 0 },
  }));
  const step = {
    kernel,
    inputs: inputs.map((_, index) => index),
    outputs: [inputs.length],
    attrs,
    label: kernel,
  };
  return {
    device: 'cpu',
    arenas: tensors.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      length: shape.reduce((product, size) => product * size, 1),
    })),
    tensors,
    entries: [{ name: kernel, inputs: [], outputs: [], steps: [step] }],
  };
}
