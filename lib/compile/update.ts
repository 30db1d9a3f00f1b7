// The fused optimizer step: base update, group statistics, penalty and half-space projection in one
// kernel over the parameter arena. This file fixes its vectors; native/cpu/half_space.cpp mirrors it.
//
//   update   parameters[n] gradients[n] state...[n] hyper(f64[10]) ceilings(f64[G])
//            -> parameters state... (in place) statistics(f64[G,6])   {rule nesterov groupCount spans}
//
// n is the number of trainable parameters; they fill the arena from its start. sgd has one state
// (momentum), adam and adamw have two (m, v).
//
// sgd and adam add the weight decay to the gradient; adamw's is decoupled: no part of d, it scales x
// by 1 - learningRate * weightDecay in the step (the trial step included).
//
// For each group g, with x before the step and d the base optimizer's direction:
//   ceilings[g] = Infinity  the group is free: the base update alone
//   otherwise               the group is taken: penalised trial step and projection (DESIGN: H2SPG),
//                           then its norm is scaled down to ceilings[g] where it is larger;
//                           0 makes it zero. A taken group that is zero stays zero.

import type { Attributes } from '../graph.js';

/** Order of the `hyper` vector, written by the host before every step. */
export const HYPER = [
  'learningRate',
  'momentum', // beta1 for adam and adamw
  'beta2',
  'weightDecay',
  'adamEpsilon',
  'step', // 1 for the first step
  'lambda',
  'amplify',
  'hat',
  'epsilon', // of the half-space test
] as const;

/** Columns of the `statistics` matrix, one row a group. Only the first three are set for free groups. */
export const STATISTICS = [
  'squaredNorm', // ||x||^2
  'slope', // x . d
  'squaredDirection', // ||d||^2
  'lambda', // the penalty used
  'trial', // xh . x
  'zero', // 1 where the group is zero after the step
] as const;

/** The base optimizers. */
export type UpdateRule = 'sgd' | 'adam' | 'adamw';

/** A run of elements of a group in the arena: offset, offset + stride, ... (`length` of them). */
export interface Span {
  readonly offset: number;
  readonly length: number;
  readonly stride: number;
}

/** Attributes of the `update` kernel; spans are flattened as group, offset, length, stride. */
export function updateAttributes(
  rule: UpdateRule,
  nesterov: boolean,
  groups: readonly (readonly Span[])[],
): Attributes {
  const flat: number[] = [];
  groups.forEach((spans, group) => {
    for (const { offset, length, stride } of spans) flat.push(group, offset, length, stride);
  });
  return { rule, nesterov, groupCount: groups.length, spans: flat };
}
