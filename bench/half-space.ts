// How close does the fused update come to the bandwidth of a plain copy? Both run on the same threads, over
// arenas far larger than any cache. update-bytes.ts says what the update must move; the same bytes give the
// least time that an H100 needs.

import type { Program, Step, Tensor } from '../lib/compile/program.js';
import { HYPER, STATISTICS, updateAttributes, type Span, type UpdateRule } from '../lib/compile/update.js';
import { Session } from '../lib/train/session.js';
import { measure, timed } from './measure.js';
import type { BenchContext, Result } from './report.js';
import { h100Milliseconds, updateBytes } from './update-bytes.js';

interface Case {
  readonly name: string;
  readonly rule: UpdateRule;
  readonly groups: (length: number) => readonly (readonly Span[])[];
  /** Whether every second group is penalised, or none. */
  readonly taken: boolean;
}

const contiguous =
  (count: number) =>
  (length: number): readonly (readonly Span[])[] => {
    const size = Math.floor(length / count);
    return Array.from({ length: count }, (_, group) => [{ offset: group * size, length: size, stride: 1 }]);
  };

const cases: readonly Case[] = [
  { name: 'sgd warm-up, 16 segments', rule: 'sgd', groups: contiguous(16), taken: false },
  { name: 'sgd penalised, 16 segments', rule: 'sgd', groups: contiguous(16), taken: true },
  { name: 'sgd penalised, 100k channels', rule: 'sgd', groups: contiguous(100_000), taken: true },
  { name: 'sgd penalised, 1M channels', rule: 'sgd', groups: contiguous(1_000_000), taken: true },
  { name: 'adam penalised, 16 segments', rule: 'adam', groups: contiguous(16), taken: true },
];

export async function benchHalfSpace(context: BenchContext): Promise<readonly Result[]> {
  const length = context.short ? 1 << 20 : 1 << 25;
  const results: Result[] = [];
  for (const spec of cases) {
    const name = `half-space/${spec.name}`;
    if (context.selected(name)) results.push(await benchCase(name, spec, length, context));
  }
  return results;
}

async function benchCase(name: string, spec: Case, length: number, context: BenchContext): Promise<Result> {
  const groups = spec.groups(length);
  using session = Session.open(makeProgram(length, spec.rule, groups), { threads: context.threads });
  for (const arena of ['parameters', 'gradients']) fill(session, arena, length);
  const inputs = {
    hyper: Float64Array.from(HYPER, (entry) => hyper[entry]),
    ceilings: Float64Array.from(groups, (_, group) =>
      spec.taken && group % 2 === 0 ? Number.MAX_VALUE : Number.POSITIVE_INFINITY,
    ),
  };
  const [update, copy] = await measure(
    [timed('update', () => session.run('update', inputs)), timed('copy', () => session.run('copy', {}))],
    context.timing,
  );
  const taken = spec.taken ? length / 2 : 0;
  const bytes = updateBytes({ rule: spec.rule, parameters: length, taken, groups: groups.length });
  const bandwidth = bytes / (update?.median ?? NaN) / 1e6;
  const copyBandwidth = (8 * length) / (copy?.median ?? NaN) / 1e6;
  return {
    name,
    ours: update?.median ?? NaN,
    details: {
      'GB/s': bandwidth,
      'copy GB/s': copyBandwidth,
      'share of copy': bandwidth / copyBandwidth,
      'bytes a parameter': bytes / length,
      'H100 at least, ms': h100Milliseconds(bytes),
    },
  };
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

/** Two entries over the same arenas: the update, and a sum of one operand, which is a copy. */
function makeProgram(length: number, rule: UpdateRule, groups: readonly (readonly Span[])[]): Program {
  const states = rule === 'sgd' ? ['state1'] : ['state1', 'state2'];
  const names = ['parameters', 'gradients', ...states];
  const arenaTensor = (name: string, arena: number): Tensor => ({
    name,
    dtype: 'f32',
    shape: [length],
    storage: { kind: 'arena', arena, offset: 0 },
  });
  const tensors: readonly Tensor[] = [
    ...names.map(arenaTensor),
    { name: 'hyper', dtype: 'f64', shape: [HYPER.length], storage: { kind: 'input' } },
    { name: 'ceilings', dtype: 'f64', shape: [groups.length], storage: { kind: 'input' } },
    {
      name: 'statistics',
      dtype: 'f64',
      shape: [groups.length, STATISTICS.length],
      storage: { kind: 'output' },
    },
  ];
  const index = (name: string): number => tensors.findIndex((tensor) => tensor.name === name);
  const update: Step = {
    kernel: 'update',
    inputs: [...names, 'hyper', 'ceilings'].map(index),
    outputs: ['parameters', ...states, 'statistics'].map(index),
    attrs: updateAttributes(rule, false, groups),
    label: 'update',
  };
  const copy: Step = {
    kernel: 'sum',
    inputs: [index('parameters')],
    outputs: [index('gradients')],
    attrs: {},
    label: 'copy',
  };
  return {
    device: 'cpu',
    arenas: names.map((name) => ({ name, dtype: 'f32', length })),
    tensors,
    entries: [
      {
        name: 'update',
        inputs: [index('hyper'), index('ceilings')],
        outputs: [index('statistics')],
        steps: [update],
      },
      { name: 'copy', inputs: [], outputs: [], steps: [copy] },
    ],
  };
}
