// Reference kernel of the optimizer step: base direction, group statistics, penalised trial step,
// half-space projection and norm ceiling, as the method's formulas say them, one after another.

import type { Attributes } from '../lib/graph.js';
import { HYPER } from '../lib/compile/update.js';
import { at, numberOf, numbersOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

type Hyper = Record<(typeof HYPER)[number], number>;

const hyperOf = (vector: Float64Array): Hyper =>
  Object.fromEntries(HYPER.map((name, index) => [name, vector[index]])) as Hyper;

/** Flat arena indices of every group, from the flattened spans. */
function groupIndices(attrs: Attributes): number[][] {
  const groups = Array.from({ length: numberOf(attrs, 'groupCount') }, (): number[] => []);
  const spans = numbersOf(attrs, 'spans');
  for (let s = 0; s < spans.length; s += 4) {
    const [group = 0, offset = 0, length = 0, stride = 0] = spans.slice(s, s + 4);
    for (let i = 0; i < length; i += 1) groups[group]?.push(offset + i * stride);
  }
  return groups;
}

/** m = momentum*m + g;  d = m, or g + momentum*m with Nesterov;  g includes the weight decay. */
function sgdDirection(
  x: number,
  gradient: number,
  i: number,
  states: Float64Array[],
  h: Hyper,
  nesterov: boolean,
) {
  const momentum = states[0] as Float64Array;
  const g = gradient + h.weightDecay * x;
  momentum[i] = h.momentum * (momentum[i] as number) + g;
  return nesterov ? g + h.momentum * momentum[i] : momentum[i];
}

/** d = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) of a gradient `g`. */
function adamDirection(g: number, i: number, states: Float64Array[], h: Hyper): number {
  const [m, v] = states as [Float64Array, Float64Array];
  m[i] = h.momentum * (m[i] as number) + (1 - h.momentum) * g;
  v[i] = h.beta2 * (v[i] as number) + (1 - h.beta2) * g * g;
  const mean = m[i] / (1 - h.momentum ** h.step);
  const square = v[i] / (1 - h.beta2 ** h.step);
  return mean / (Math.sqrt(square) + h.adamEpsilon);
}

/** Direction of one element; advances its state. sgd and adam decay through the gradient. */
function direction(
  x: number,
  g: number,
  i: number,
  states: Float64Array[],
  h: Hyper,
  attrs: Attributes,
): number {
  switch (attrs['rule']) {
    case 'sgd':
      return sgdDirection(x, g, i, states, h, attrs['nesterov'] === true);
    case 'adam':
      return adamDirection(g + h.weightDecay * x, i, states, h);
    case 'adamw':
      return adamDirection(g, i, states, h);
    default:
      throw new Error(`unknown rule '${String(attrs['rule'])}'`);
  }
}

/** Decoupled weight decay, which is no part of the direction: x becomes (1 - decay) * x in the step. */
const decoupledDecay = (h: Hyper, attrs: Attributes): number =>
  attrs['rule'] === 'adamw' ? h.learningRate * h.weightDecay : 0;

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, i) => total + value * (b[i] as number), 0);

/** The penalty of a taken group: larger where the direction would grow it. */
function penalty(xx: number, xd: number, dd: number, h: Hyper): number {
  if (!(xd < 0)) return h.lambda;
  const low = -xd / Math.sqrt(xx);
  const high = (-dd * Math.sqrt(xx)) / xd;
  const clipped = Math.min(h.lambda * h.hat, Math.max(h.lambda, h.amplify * low));
  return clipped >= high ? (low + high) / 2 : clipped;
}

interface GroupStep {
  readonly next: readonly number[];
  readonly lambda: number;
  readonly trial: number;
}

/** Penalised trial step, projection, then the ceiling on the norm; a zero group stays zero. */
function takenStep(
  x: readonly number[],
  d: readonly number[],
  ceiling: number,
  decay: number,
  h: Hyper,
): GroupStep {
  const xx = dot(x, x);
  if (xx === 0) return { next: x.map(() => 0), lambda: 0, trial: 0 };
  const lambda = penalty(xx, dot(x, d), dot(d, d), h);
  const shrink = decay + (h.learningRate * lambda) / (Math.sqrt(xx) + 1e-8);
  const trialStep = x.map((value, i) => value - h.learningRate * (d[i] as number) - shrink * value);
  const trial = dot(trialStep, x);
  const projected = trial < h.epsilon * xx;
  const norm = Math.sqrt(dot(trialStep, trialStep));
  const scale = projected ? 0 : norm > ceiling ? ceiling / norm : 1;
  return { next: trialStep.map((value) => value * scale), lambda, trial };
}

const update: ReferenceKernel = (inputs, outputs, attrs) => {
  const stateCount = inputs.length - 4;
  const [parameters, gradients] = [at(inputs, 0).data, at(inputs, 1).data];
  const states = inputs.slice(2, 2 + stateCount).map((state) => state.data);
  const h = hyperOf(at(inputs, 2 + stateCount).data);
  const ceilings = at(inputs, 3 + stateCount).data;
  const before = [...parameters];
  const d = before.map((x, i) => direction(x, gradients[i] as number, i, states, h, attrs));
  const decay = decoupledDecay(h, attrs);
  before.forEach((x, i) => (parameters[i] = x - h.learningRate * (d[i] as number) - decay * x));
  groupIndices(attrs).forEach((indices, group) => {
    const x = indices.map((i) => before[i] as number);
    const dg = indices.map((i) => d[i] as number);
    const statistics = [dot(x, x), dot(x, dg), dot(dg, dg), 0, 0, 0];
    const ceiling = ceilings[group] as number;
    if (ceiling !== Infinity) {
      const step = takenStep(x, dg, ceiling, decay, h);
      indices.forEach((i, k) => (parameters[i] = step.next[k] as number));
      statistics.splice(3, 3, step.lambda, step.trial, step.next.every((value) => value === 0) ? 1 : 0);
    }
    writeRow(at(outputs, 1 + stateCount), group, statistics);
  });
};

const writeRow = (matrix: Operand, row: number, values: readonly number[]): void =>
  matrix.data.set(values, row * values.length);

export const updateKernels: Readonly<Record<string, ReferenceKernel>> = { update };
