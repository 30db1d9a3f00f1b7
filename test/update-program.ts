// A program of nothing but the optimizer step, over arenas that a test fills.

import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import type { Program, Tensor } from '../lib/compile/program.js';
import { HYPER, STATISTICS, updateAttributes, type Span, type UpdateRule } from '../lib/compile/update.js';
import { f32, type Shape, type TensorType } from '../lib/shape.js';

export interface UpdateProgram {
  readonly rule: UpdateRule;
  readonly nesterov?: boolean;
  readonly groups: readonly (readonly Span[])[];
  /** Number of trainable elements. */
  readonly length: number;
  readonly device?: string;
}

const f64 = (shape: Shape): TensorType => ({ dtype: 'f64', shape });

/** run: hyper ceilings -> statistics, over the arenas parameters, gradients, state1, [state2]. */
export function updateProgram({ rule, nesterov, groups, length, device }: UpdateProgram): Program {
  const names = ['parameters', 'gradients', 'state1', ...(rule === 'sgd' ? [] : ['state2'])];
  const [parameters, gradients, ...states] = names.map((name, arena) =>
    tensor(name, f32([length]), { kind: 'arena', arena, offset: 0 }),
  ) as [Tensor, Tensor, ...Tensor[]];
  const inputs = [
    tensor('hyper', f64([HYPER.length]), { kind: 'input' }),
    tensor('ceilings', f64([groups.length]), { kind: 'input' }),
  ];
  const statistics = tensor('statistics', f64([groups.length, STATISTICS.length]), { kind: 'output' });
  const step = {
    kernel: 'update',
    inputs: [parameters, gradients, ...states, ...inputs],
    outputs: [parameters, ...states, statistics],
    attrs: updateAttributes(rule, nesterov ?? false, groups),
    label: 'update',
  };
  const arenas = names.map((name) => ({ name, dtype: 'f32' as const, length }));
  const entry = { name: 'run', inputs, outputs: [statistics], steps: [step] };
  return assemble(device ?? 'cpu', arenas, [entry]);
}
