// Base optimizers and the constants of H2SPG that go with each: what is written into the `hyper`
// vector of the update kernel. The arithmetic itself is native.

import { HYPER, type UpdateRule } from '../compile/update.js';
import { lookUp } from '../suggest.js';

/** A base optimizer with everything decided; plain data. */
export interface Optimizer {
  readonly rule: UpdateRule;
  readonly nesterov: boolean;
  /** Momentum of sgd, beta1 of adam and adamw. */
  readonly momentum: number;
  readonly beta2: number;
  /** Added to the gradient by sgd and adam, decoupled in adamw. */
  readonly weightDecay: number;
  readonly adamEpsilon: number;
  /** Smallest penalty on a taken group. */
  readonly lambda: number;
  /** How far beyond the lower bound the penalty goes where the step opposes shrinking. */
  readonly amplify: number;
  /** Largest penalty, as a multiple of lambda. */
  readonly hat: number;
  /** A trial step that keeps less than this share of ||x||^2 is projected to zero. */
  readonly epsilon: number;
}

/** The optimizers by name, with the defaults of OTOv3 (H2SPG) and of the optimizers' papers. */
const defaults: Readonly<Record<UpdateRule, Optimizer>> = {
  sgd: {
    rule: 'sgd',
    nesterov: false,
    momentum: 0.9,
    beta2: 0,
    weightDecay: 5e-4,
    adamEpsilon: 0,
    lambda: 1e-3,
    amplify: 2,
    hat: 10,
    epsilon: 0.95,
  },
  adam: adaptive('adam', 0),
  adamw: adaptive('adamw', 1e-2),
};

function adaptive(rule: UpdateRule, weightDecay: number): Optimizer {
  return {
    rule,
    nesterov: false,
    momentum: 0.9,
    beta2: 0.999,
    weightDecay,
    adamEpsilon: 1e-8,
    lambda: 1e-2,
    amplify: 20,
    hat: 1e3,
    epsilon: 0.95,
  };
}

/** The optimizers that `optimizer` knows by name. */
export const optimizerNames = Object.keys(defaults) as readonly UpdateRule[];

/** An optimizer by name; `changes` replace its defaults. Throws ERR_OPTION for an unknown name. */
export function optimizer(name: string, changes: Partial<Omit<Optimizer, 'rule'>> = {}): Optimizer {
  return { ...lookUp(defaults, name, 'optimizer'), ...changes };
}

/** How many state arenas the optimizer has. */
export const stateCount = (optimizer: Optimizer): number => (optimizer.rule === 'sgd' ? 1 : 2);

/** The `hyper` vector of one step; `step` is 0 for the first. */
export function hyperVector(optimizer: Optimizer, learningRate: number, step: number): Float64Array {
  const values = { ...optimizer, learningRate, step: step + 1 };
  return Float64Array.from(HYPER, (name) => values[name]);
}
