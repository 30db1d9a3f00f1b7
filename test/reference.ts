// An interpreter of programs in float64 by plain loops: the oracle that devices are held to, and the
// machine for finite differences. Slow on purpose; nothing here is shared with the native code.

import { elements } from '../lib/shape.js';
import type { Entry, Program, Step, Tensor } from '../lib/compile/program.js';
import { elementwiseKernels } from './reference-elementwise.js';
import { normalizationKernels } from './reference-normalization.js';
import { productKernels } from './reference-products.js';
import { rowKernels } from './reference-rows.js';
import { tensorKernels } from './reference-tensors.js';
import { updateKernels } from './reference-update.js';
import { windowKernels } from './reference-windows.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** Every kernel of the table in lib/compile/program.ts. */
export const referenceKernels: Readonly<Record<string, ReferenceKernel>> = {
  ...productKernels,
  ...normalizationKernels,
  ...elementwiseKernels,
  ...windowKernels,
  ...tensorKernels,
  ...rowKernels,
  ...updateKernels,
};

type Buffers = Readonly<Record<string, ArrayLike<number>>>;
type Results = Readonly<Record<string, Float64Array>>;

/** Runs the entries of one program; arenas start at zero and persist between runs. */
export class ReferenceSession {
  readonly #program: Program;
  readonly #arenas: readonly Float64Array[];

  constructor(program: Program) {
    this.#program = program;
    this.#arenas = program.arenas.map((arena) => new Float64Array(arena.length));
  }

  /** Runs one entry; inputs and results are row-major contents by tensor name. */
  run(entryName: string, inputs: Buffers): Results {
    const entry = this.#program.entries.find((e) => e.name === entryName);
    if (!entry) throw new Error(`the program has no entry '${entryName}'`);
    const operands = this.#operands(entry);
    for (const index of entry.inputs) this.#fill(operands, index, inputs);
    for (const step of entry.steps) runStep(step, operands);
    return Object.fromEntries(
      entry.outputs.map((index) => [this.#tensor(index).name, operandAt(operands, index).data]),
    );
  }

  /** A copy of an arena, or of a part of it. */
  read(arena: string, offset = 0, length?: number): Float64Array {
    const data = this.#arena(arena);
    return data.slice(offset, length === undefined ? data.length : offset + length);
  }

  write(arena: string, data: ArrayLike<number>, offset = 0): void {
    this.#arena(arena).set(data, offset);
  }

  /** Fresh memory for what an entry touches; arena tensors are windows into the arenas. */
  #operands(entry: Entry): Map<number, Operand> {
    const used = [
      ...entry.inputs,
      ...entry.outputs,
      ...entry.steps.flatMap((s) => [...s.inputs, ...s.outputs]),
    ];
    return new Map(used.map((index) => [index, this.#operand(this.#tensor(index))]));
  }

  #operand(tensor: Tensor): Operand {
    const length = elements(tensor.shape);
    if (tensor.storage.kind !== 'arena') return { shape: tensor.shape, data: new Float64Array(length) };
    const { arena, offset } = tensor.storage;
    const data = this.#arenas[arena]?.subarray(offset, offset + length);
    if (data?.length !== length) throw new Error(`tensor '${tensor.name}' lies outside its arena`);
    return { shape: tensor.shape, data };
  }

  #fill(operands: ReadonlyMap<number, Operand>, index: number, inputs: Buffers): void {
    const { name } = this.#tensor(index);
    const data = inputs[name];
    const operand = operandAt(operands, index);
    if (data?.length !== operand.data.length) {
      throw new Error(`input '${name}' has ${data?.length} elements, expected ${operand.data.length}`);
    }
    operand.data.set(data);
  }

  #tensor(index: number): Tensor {
    const tensor = this.#program.tensors[index];
    if (!tensor) throw new Error(`the program has no tensor ${index}`);
    return tensor;
  }

  #arena(name: string): Float64Array {
    const arena = this.#arenas[this.#program.arenas.findIndex((a) => a.name === name)];
    if (!arena) throw new Error(`the program has no arena '${name}'`);
    return arena;
  }
}

function operandAt(operands: ReadonlyMap<number, Operand>, index: number): Operand {
  const operand = operands.get(index);
  if (!operand) throw new Error(`tensor ${index} was not prepared`);
  return operand;
}

function runStep(step: Step, operands: ReadonlyMap<number, Operand>): void {
  const kernel = referenceKernels[step.kernel];
  if (!kernel) throw new Error(`unknown kernel '${step.kernel}' at '${step.label}'`);
  kernel(
    step.inputs.map((index) => operandAt(operands, index)),
    step.outputs.map((index) => operandAt(operands, index)),
    step.attrs,
  );
}
