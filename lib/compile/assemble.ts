// The last pass before the native boundary: steps that refer to tensors as objects become a Program
// that refers to them by index. Tensors are told apart by identity, so entries may share them.

import type { Attributes } from '../graph.js';
import type { Arena, Entry, Program, Step, Tensor } from './program.js';

/** A `Step` whose operands are the tensors themselves. */
export interface DraftStep {
  readonly kernel: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: Attributes;
  readonly label: string;
}

/** An `Entry` whose operands are the tensors themselves. */
export interface DraftEntry {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly steps: readonly DraftStep[];
}

/** Numbers the tensors in the order in which entries mention them. */
export function assemble(device: string, arenas: readonly Arena[], entries: readonly DraftEntry[]): Program {
  const numbers = new Map<Tensor, number>();
  const number = (tensor: Tensor): number => {
    const known = numbers.get(tensor);
    if (known !== undefined) return known;
    numbers.set(tensor, numbers.size);
    return numbers.size - 1;
  };
  const numbered = entries.map((entry) => numberEntry(entry, number));
  return { device, arenas, tensors: [...numbers.keys()], entries: numbered };
}

const numberEntry = (entry: DraftEntry, number: (tensor: Tensor) => number): Entry => ({
  name: entry.name,
  inputs: entry.inputs.map(number),
  outputs: entry.outputs.map(number),
  steps: entry.steps.map((step) => numberStep(step, number)),
});

const numberStep = (
  { kernel, inputs, outputs, attrs, label }: DraftStep,
  number: (t: Tensor) => number,
): Step => ({
  kernel,
  inputs: inputs.map(number),
  outputs: outputs.map(number),
  attrs,
  label,
});
