// Programs and the passes that led to them as text, one line a step or node: what HALFSPACE_DEBUG
// shows and what snapshots hold.

import { formatAttributes, print } from '../graph.js';
import { formatType } from '../shape.js';
import type { Pass } from './compiled.js';
import type { Entry, Program, Step, Tensor } from './program.js';

/** `entry infer(%x) -> %y`, then `  %y: f32[8,10] = linear(%x, parameters+0) {}  # fc` for each step. */
export function printProgram(program: Program): string {
  const arenas = program.arenas.map((arena) => `arena ${arena.name}: ${arena.dtype}[${arena.length}]`);
  const entries = program.entries.flatMap((entry) => printEntry(program, entry));
  return [`device ${program.device}`, ...arenas, ...entries].join('\n') + '\n';
}

/** The graph after each pass. */
export const printPasses = (passes: readonly Pass[]): string =>
  passes.map(({ name, graph }) => `after ${name}\n${print(graph)}`).join('');

function printEntry(program: Program, entry: Entry): readonly string[] {
  const inputs = entry.inputs.map((index) => typed(program, index)).join(', ');
  const outputs = entry.outputs.map((index) => typed(program, index)).join(', ');
  return [
    `entry ${entry.name}(${inputs}) -> ${outputs}`,
    ...entry.steps.map((step) => `  ${printStep(program, step)}`),
  ];
}

function printStep(program: Program, { kernel, inputs, outputs, attrs, label }: Step): string {
  const results = outputs.map((index) => typed(program, index)).join(', ');
  const operands = inputs.map((index) => place(program, tensorAt(program, index))).join(', ');
  return `${results} = ${kernel}(${operands})${formatAttributes(attrs)}  # ${label}`;
}

const typed = (program: Program, index: number): string => {
  const tensor = tensorAt(program, index);
  return `${place(program, tensor)}: ${formatType(tensor)}`;
};

/** `%name`, or `arena+offset` for what persists. */
function place(program: Program, tensor: Tensor): string {
  if (tensor.storage.kind !== 'arena') return `%${tensor.name}`;
  return `${program.arenas[tensor.storage.arena]?.name}+${tensor.storage.offset}`;
}

const tensorAt = (program: Program, index: number): Tensor => program.tensors[index] as Tensor;
