// Updates to be timed: a rule, how the arena is cut into groups, and whether half of them are penalised.
// From a handful of huge groups, as whole segments are, to a million tiny ones, as channels are.

import type { Program, Step, Tensor } from '../lib/compile/program.js';
import { HYPER, STATISTICS, updateAttributes, type Span, type UpdateRule } from '../lib/compile/update.js';
import type { Attributes } from '../lib/graph.js';
import type { Arrays, Session } from '../lib/train/session.js';
import { piecesOf, updateBytes } from './update-bytes.js';

export interface Update {
  readonly name: string;
  readonly rule: UpdateRule;
  readonly groups: number;
  /** Whether every second group is penalised, or none. */
  readonly taken: boolean;
}

export const updates: readonly Update[] = [
  { name: 'sgd warm-up, 16 segments', rule: 'sgd', groups: 16, taken: false },
  { name: 'sgd penalised, 16 segments', rule: 'sgd', groups: 16, taken: true },
  { name: 'sgd penalised, 100k channels', rule: 'sgd', groups: 100_000, taken: true },
  { name: 'sgd penalised, 1M channels', rule: 'sgd', groups: 1_000_000, taken: true },
  { name: 'adam penalised, 16 segments', rule: 'adam', groups: 16, taken: true },
];

export function bytesOfUpdate({ rule, groups, taken }: Update, length: number): number {
  const pieces = groups * piecesOf(Math.floor(length / groups));
  return updateBytes({ rule, parameters: length, taken: taken ? length / 2 : 0, groups, pieces });
}

export function updateInputs({ groups, taken }: Update): Arrays {
  return {
    hyper: Float64Array.from(HYPER, (entry) => hyper[entry]),
    ceilings: Float64Array.from({ length: groups }, (_, group) =>
      taken && group % 2 === 0 ? Number.MAX_VALUE : Number.POSITIVE_INFINITY,
    ),
  };
}

/** Numbers that no rule turns into zeros or infinities, in parameters and gradients. */
export function fillArenas(session: Session, length: number): void {
  for (const arena of ['parameters', 'gradients']) fill(session, arena, length);
}

const hyper: Readonly<Record<(typeof HYPER)[number], number>> = {
  learningRate: 1e-3,
  momentum: 0.9,
  beta2: 0.999,
  weightDecay: 1e-4,
  adamEpsilon: 1e-8,
  step: 10,
  lambda: 1e-3,
  amplify: 2,
  hat: 10,
  epsilon: 0.95,
};

function fill(session: Session, arena: string, length: number): void {
  const piece = Float32Array.from({ length: 1 << 16 }, (_, i) => Math.sin(i + arena.length));
  for (let offset = 0; offset < length; offset += piece.length) {
    session.write(arena, piece.subarray(0, Math.min(piece.length, length - offset)), offset);
  }
}

export interface UpdateProgramOptions {
  /** Elements of each arena. */
  readonly length: number;
  /** `cpu` unless told otherwise. */
  readonly device?: string;
  /** Updates of one run; 1 unless told otherwise. */
  readonly repeats?: number;
}

/** Two entries over the same arenas: `update`, and `copy`, a sum of one operand. */
export function updateProgram(update: Update, options: UpdateProgramOptions): Program {
  const { length, device = 'cpu', repeats = 1 } = options;
  const names = ['parameters', 'gradients', ...(update.rule === 'sgd' ? ['state1'] : ['state1', 'state2'])];
  const tensors = tensorsOf(names, update.groups, length, repeats);
  const index = (name: string): number => tensors.findIndex((tensor) => tensor.name === name);
  const attrs = updateAttributes(update.rule, false, contiguous(update.groups, length));
  const copy: Step = {
    kernel: 'sum',
    inputs: [index('parameters')],
    outputs: [index('gradients')],
    attrs: {},
    label: 'copy',
  };
  return {
    device,
    arenas: names.map((name) => ({ name, dtype: 'f32', length })),
    tensors,
    entries: [
      {
        name: 'update',
        inputs: [index('hyper'), index('ceilings')],
        outputs: [index('statistics')],
        steps: Array.from({ length: repeats }, (_, repeat) => updateStep(attrs, names, repeat, index)),
      },
      { name: 'copy', inputs: [], outputs: [], steps: [copy] },
    ],
  };
}

/** The statistics of every update but the first stay on the device. */
const statistics = (repeat: number): string => (repeat === 0 ? 'statistics' : `statistics ${repeat}`);

function tensorsOf(
  arenas: readonly string[],
  groups: number,
  length: number,
  repeats: number,
): readonly Tensor[] {
  return [
    ...arenas.map((name, arena): Tensor => ({
      name,
      dtype: 'f32',
      shape: [length],
      storage: { kind: 'arena', arena, offset: 0 },
    })),
    { name: 'hyper', dtype: 'f64', shape: [HYPER.length], storage: { kind: 'input' } },
    { name: 'ceilings', dtype: 'f64', shape: [groups], storage: { kind: 'input' } },
    ...Array.from({ length: repeats }, (_, repeat): Tensor => ({
      name: statistics(repeat),
      dtype: 'f64',
      shape: [groups, STATISTICS.length],
      storage: { kind: repeat === 0 ? 'output' : 'temporary' },
    })),
  ];
}

function updateStep(
  attrs: Attributes,
  arenas: readonly string[],
  repeat: number,
  index: (name: string) => number,
): Step {
  return {
    kernel: 'update',
    inputs: [...arenas, 'hyper', 'ceilings'].map(index),
    outputs: ['parameters', ...arenas.slice(2), statistics(repeat)].map(index),
    attrs,
    label: 'update',
  };
}

function contiguous(count: number, length: number): readonly (readonly Span[])[] {
  const size = Math.floor(length / count);
  return Array.from({ length: count }, (_, group) => [{ offset: group * size, length: size, stride: 1 }]);
}
