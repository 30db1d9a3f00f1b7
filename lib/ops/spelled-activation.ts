// Activations that files say by several nodes, since the exporter or the operator set has no one node for them.
// As one operator they need less memory and time, and do not fork: a segment goes on through them.

import type { Attributes, Op, Value } from '../graph.js';
import { geluTanh, gelu, hardSwish, mish, silu, softsign } from './activation.js';
import { isMadeBy, kernelOf, operandsOf } from './kernel-of.js';

/** The x of which a value is a certain function, said in a certain way; null where it is none. */
type Spelling = (value: Value) => Value | null;

const x: Spelling = (value) => value;

/** Constants of files are rounded, some before they are divided by. */
const CLOSE = 1e-6;

const unary =
  (name: string, of: Spelling = x, numbers: Readonly<Record<string, number>> = {}): Spelling =>
  (value) => {
    if (!isMadeBy(value, 'unary', name)) return null;
    const attrs = kernelOf(value)?.attrs ?? {};
    const fits = Object.entries(numbers).every(([key, number]) => isClose(attrs[key], number));
    return fits ? of(operandsOf(value)[0] as Value) : null;
  };

const isClose = (found: Attributes[string] | undefined, number: number): boolean =>
  typeof found === 'number' && Math.abs(found - number) <= CLOSE * Math.abs(number);

const affine = (alpha: number, beta: number, of: Spelling = x): Spelling =>
  unary('affine', of, { alpha, beta });

/** Both operands of a product or a sum, in either order, or of a quotient, are functions of one x. */
const pair = (isMade: (value: Value) => boolean, a: Spelling, b: Spelling, turned = true): Spelling => {
  const inOrder = (left: Value, right: Value): Value | null => {
    const found = a(left);
    return found !== null && found === b(right) ? found : null;
  };
  return (value) => {
    if (!isMade(value)) return null;
    const [left, right] = operandsOf(value) as [Value, Value];
    return inOrder(left, right) ?? (turned ? inOrder(right, left) : null);
  };
};

const product = (a: Spelling, b: Spelling): Spelling =>
  pair((value) => isMadeBy(value, 'binary', 'mul'), a, b);

const quotient = (a: Spelling, b: Spelling): Spelling =>
  pair((value) => isMadeBy(value, 'binary', 'div'), a, b, false);

const sum = (a: Spelling, b: Spelling): Spelling =>
  pair((value) => kernelOf(value)?.kernel === 'sum' && operandsOf(value).length === 2, a, b);

const any =
  (...spellings: readonly Spelling[]): Spelling =>
  (value) => {
    for (const spelling of spellings) {
      const found = spelling(value);
      if (found !== null) return found;
    }
    return null;
  };

/** x (1 + bend) / 2, whichever is done first. */
const halved = (bend: Spelling): Spelling => {
  const plusOne = affine(1, 1, bend);
  return any(
    affine(0.5, 0, product(x, plusOne)),
    product(affine(0.5, 0), plusOne),
    product(x, affine(0.5, 0, plusOne)),
    product(x, affine(0.5, 0.5, bend)),
  );
};

const SLOPE = Math.sqrt(2 / Math.PI);
const CURVE = 0.044715;
const square = any(product(x, x), unary('power', x, { exponent: 2 }));
const cube = any(product(x, square), unary('power', x, { exponent: 3 }));
const six = unary('clip', affine(1, 3), { min: 0, max: 6 });

const spellings: readonly (readonly [Spelling, () => Op])[] = [
  [product(x, unary('sigmoid')), silu],
  [product(x, unary('tanh', unary('softplus'))), mish],
  [quotient(x, affine(1, 1, unary('abs'))), softsign],
  [product(x, unary('hard_sigmoid', x, { alpha: 1 / 6, beta: 0.5 })), hardSwish],
  [any(affine(1 / 6, 0, product(x, six)), product(x, affine(1 / 6, 0, six))), hardSwish],
  [halved(unary('erf', affine(Math.SQRT1_2, 0))), gelu],
  [halved(unary('tanh', affine(SLOPE, 0, sum(x, affine(CURVE, 0, cube))))), geluTanh],
  // As this library writes it.
  [
    product(x, unary('sigmoid', product(x, affine(1, 2 * SLOPE, affine(2 * SLOPE * CURVE, 0, square))))),
    geluTanh,
  ],
];

/** The function that any spelling ends in. */
const lasts: readonly string[] = ['mul', 'div', 'affine'];

/** The activation that `value` is, and of what, where several nodes say it. */
export function spelledActivation(value: Value): { readonly op: Op; readonly x: Value } | null {
  // Nearly no value is; what makes it is looked at once before it is looked for.
  if (!lasts.includes(kernelOf(value)?.attrs['function'] as string)) return null;
  for (const [spelling, op] of spellings) {
    const found = spelling(value);
    if (found !== null) return { op: op(), x: found };
  }
  return null;
}
