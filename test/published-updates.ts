// The published single steps of the method in float64, which hold any implementation of the update:
// what goes in, and what must come out. They stand beside the checkout and may be absent.

import { existsSync, readFileSync } from 'node:fs';

import type { Program } from '../lib/compile/program.js';
import type { UpdateRule } from '../lib/compile/update.js';
import { updateProgram } from './update-program.js';

/** One published step. */
export interface UpdateCase {
  readonly name: string;
  readonly variant: UpdateRule;
  readonly hyper: {
    readonly lr: number;
    readonly momentum?: number;
    readonly beta1?: number;
    readonly beta2?: number;
    readonly weightDecay: number;
    readonly step?: number;
    readonly epsilon: number;
    readonly nesterov?: boolean;
    readonly taken: readonly number[];
  };
  readonly defaults: { readonly lambda_: number; readonly amplify: number; readonly hat: number };
  /** Spans as offset, length, stride. */
  readonly groups: readonly (readonly [number, number, number][])[];
  readonly x: number[];
  readonly grad: number[];
  readonly xAfter: number[];
  readonly state: Readonly<Record<string, number[]>>;
  readonly stats: Readonly<Record<'xx' | 'xd' | 'dd', number[]>>;
  readonly result: readonly UpdateResult[];
}

/** What became of a group; a frozen one was zero before. */
export interface UpdateResult {
  readonly taken: boolean;
  readonly frozen?: boolean;
  readonly lambda_?: number;
  readonly trialDotX?: number;
  readonly zero?: boolean;
}

const file = new URL('../../shared/conformance/h2spg-steps.json', import.meta.url);

/** All published steps, or null where they are not at hand. */
export function publishedUpdates(): readonly UpdateCase[] | null {
  if (!existsSync(file)) return null;
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly UpdateCase[] }).cases;
}

/** The program of a published step. */
export const programOf = ({ variant, hyper, groups, x }: UpdateCase): Program =>
  updateProgram({
    rule: variant,
    nesterov: hyper.nesterov ?? false,
    groups: groups.map((g) => g.map(([offset, length, stride]) => ({ offset, length, stride }))),
    length: x.length,
  });

/** First contents of the arenas, by name. */
export const arenasOf = ({ x, grad, state }: UpdateCase): Readonly<Record<string, number[]>> => ({
  parameters: x,
  gradients: grad,
  state1: state['momentum'] ?? state['m'] ?? [],
  ...(state['v'] ? { state2: state['v'] } : {}),
});

/** What the arenas hold afterwards, by name. */
export const arenasAfter = ({ xAfter, state }: UpdateCase): Readonly<Record<string, number[]>> => ({
  parameters: xAfter,
  state1: state['momentumAfter'] ?? state['mAfter'] ?? [],
  ...(state['vAfter'] ? { state2: state['vAfter'] } : {}),
});

/** The inputs of the step; taken groups have this ceiling. */
export function inputsOf(given: UpdateCase, ceiling = Number.MAX_VALUE) {
  const { hyper: h, defaults } = given;
  const { lambda_: lambda, amplify, hat } = defaults;
  const base = [h.lr, h.momentum ?? h.beta1 ?? 0, h.beta2 ?? 0, h.weightDecay, 1e-8, h.step ?? 1];
  return {
    hyper: Float64Array.of(...base, lambda, amplify, hat, h.epsilon),
    ceilings: Float64Array.from(given.groups, (_, g) => (h.taken.includes(g) ? ceiling : Infinity)),
  };
}
