// Reference kernels that work element by element or only move elements: activations, sums,
// concatenation and reshaping.

import type { Attributes } from '../lib/graph.js';
import { elements } from '../lib/shape.js';
import { applyEpilogue, at, numberOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** A function and its derivative, both of x. */
interface Activation {
  readonly f: (x: number, attrs: Attributes) => number;
  readonly df: (x: number, attrs: Attributes) => number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const clip = (low: number, high: number): Activation => ({
  f: (x) => Math.min(high, Math.max(low, x)),
  df: (x) => (x > low && x < high ? 1 : 0),
});

/** erf x = 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!, all terms of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** Cumulative normal distribution. */
const normal = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2));

const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** What the tanh form of gelu has in place of 2 Phi(x) - 1. */
const bend = (x: number): number => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));

const mishGate = (x: number): number => Math.tanh(Math.log1p(Math.exp(x)));

const limits = (attrs: Attributes): Activation => clip(numberOf(attrs, 'min'), numberOf(attrs, 'max'));

const activations: Readonly<Record<string, Activation>> = {
  identity: { f: (x) => x, df: () => 1 },
  relu: clip(0, Infinity),
  relu6: clip(0, 6),
  clip: { f: (x, attrs) => limits(attrs).f(x, attrs), df: (x, attrs) => limits(attrs).df(x, attrs) },
  leaky_relu: {
    f: (x, attrs) => (x > 0 ? x : numberOf(attrs, 'alpha') * x),
    df: (x, attrs) => (x > 0 ? 1 : numberOf(attrs, 'alpha')),
  },
  abs: { f: Math.abs, df: Math.sign },
  elu: {
    f: (x, attrs) =>
      numberOf(attrs, 'gamma') *
      (x > 0 ? x : numberOf(attrs, 'alpha') * Math.expm1(numberOf(attrs, 'rate') * x)),
    df: (x, attrs) => {
      const rate = numberOf(attrs, 'rate');
      return numberOf(attrs, 'gamma') * (x > 0 ? 1 : numberOf(attrs, 'alpha') * rate * Math.exp(rate * x));
    },
  },
  softplus: { f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), df: sigmoid },
  mish: {
    f: (x) => x * mishGate(x),
    df: (x) => mishGate(x) + x * (1 - mishGate(x) ** 2) * sigmoid(x),
  },
  softsign: { f: (x) => x / (1 + Math.abs(x)), df: (x) => (1 + Math.abs(x)) ** -2 },
  sigmoid: { f: sigmoid, df: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  tanh: { f: Math.tanh, df: (x) => 1 - Math.tanh(x) ** 2 },
  exp: { f: Math.exp, df: Math.exp },
  log: { f: Math.log, df: (x) => 1 / x },
  sqrt: { f: Math.sqrt, df: (x) => 0.5 / Math.sqrt(x) },
  erf: { f: erf, df: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) },
  affine: {
    f: (x, attrs) => numberOf(attrs, 'alpha') * x + numberOf(attrs, 'beta'),
    df: (_, attrs) => numberOf(attrs, 'alpha'),
  },
  power: {
    f: (x, attrs) => x ** numberOf(attrs, 'exponent'),
    df: (x, attrs) => numberOf(attrs, 'exponent') * x ** (numberOf(attrs, 'exponent') - 1),
  },
  silu: { f: (x) => x * sigmoid(x), df: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
  gelu: { f: (x) => x * normal(x), df: (x) => normal(x) + x * density(x) },
  gelu_tanh: {
    f: (x) => 0.5 * x * (1 + bend(x)),
    df: (x) => 0.5 * (1 + bend(x) + x * (1 - bend(x) ** 2) * Math.sqrt(2 / Math.PI) * (1 + 0.134145 * x * x)),
  },
  hard_sigmoid: {
    f: (x, attrs) => clip(0, 1).f(numberOf(attrs, 'alpha', 1 / 6) * x + numberOf(attrs, 'beta', 0.5), attrs),
    df: (x, attrs) => {
      const alpha = numberOf(attrs, 'alpha', 1 / 6);
      return alpha * clip(0, 1).df(alpha * x + numberOf(attrs, 'beta', 0.5), attrs);
    },
  },
  hard_swish: {
    f: (x, attrs) => x * clip(0, 1).f(x / 6 + 0.5, attrs),
    df: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  },
};

function activation(attrs: Attributes): Activation {
  const found = activations[String(attrs['function'])];
  if (!found) throw new Error(`unknown function '${String(attrs['function'])}'`);
  return found;
}

const unary: ReferenceKernel = (inputs, outputs, attrs) => {
  const { f } = activation(attrs);
  at(outputs, 0).data.set(at(inputs, 0).data.map((x) => f(x, attrs)));
};

const unaryBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const { df } = activation(attrs);
  const [dy, x] = [at(inputs, 0).data, at(inputs, 1).data];
  at(outputs, 0).data.set(dy.map((gradient, i) => gradient * df(x[i] as number, attrs)));
};

const sum: ReferenceKernel = (inputs, outputs, attrs) => {
  const y = at(outputs, 0);
  y.data.set(y.data.map((_, i) => inputs.reduce((total, x) => total + (x.data[i] as number), 0)));
  applyEpilogue(y, attrs);
};

/** Pairs every element of `part`, which starts at `start` along `axis`, with its place in `whole`. */
function forEachOfPart(
  whole: Operand,
  part: Operand,
  axis: number,
  start: number,
  visit: (whole: number, part: number) => void,
): void {
  const inner = elements(part.shape.slice(axis + 1));
  const length = part.shape[axis] as number;
  const total = whole.shape[axis] as number;
  for (let index = 0; index < part.data.length; index += 1) {
    const outer = Math.floor(index / (length * inner));
    const within = index % (length * inner);
    visit((outer * total + start) * inner + within, index);
  }
}

/** Walks the parts of `whole` along `axis`, one after another. */
function forEachPart(
  whole: Operand,
  parts: readonly Operand[],
  attrs: Attributes,
  visit: (part: Operand, whole: number, index: number) => void,
): void {
  const axis = numberOf(attrs, 'axis');
  let start = 0;
  for (const part of parts) {
    forEachOfPart(whole, part, axis, start, (place, index) => visit(part, place, index));
    start += part.shape[axis] as number;
  }
}

const concat: ReferenceKernel = (inputs, outputs, attrs) => {
  const whole = at(outputs, 0);
  forEachPart(whole, inputs, attrs, (part, place, index) => {
    whole.data[place] = part.data[index] as number;
  });
};

const split: ReferenceKernel = (inputs, outputs, attrs) => {
  const whole = at(inputs, 0);
  forEachPart(whole, outputs, attrs, (part, place, index) => {
    part.data[index] = whole.data[place] as number;
  });
};

const reshape: ReferenceKernel = (inputs, outputs) => at(outputs, 0).data.set(at(inputs, 0).data);

export const elementwiseKernels: Readonly<Record<string, ReferenceKernel>> = {
  unary,
  unary_backward: unaryBackward,
  sum,
  concat,
  split,
  reshape,
};
