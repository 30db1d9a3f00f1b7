// Activations that a file says by several nodes: one operator afterwards, what onnxruntime computes of the file
// itself (single precision, as in onnx-readers.test.ts), and no end to a removable segment.

import test from 'ava';

import { fromOnnx } from '../lib/onnx/import.js';
import type { NodeProto, TensorProto } from '../lib/onnx/schema.js';
import { searchSpace } from '../lib/search/space.js';
import { initialWeights } from '../lib/weights.js';
import { floats, modelBytes, node, untyped, value } from './onnx-models.js';
import { noise, relativeDifference, runOnnx, runReference } from './onnx-tools.js';

const TOLERANCE = 1e-5;

/** What a step reads: x, an earlier step's result by number, or a constant in single precision. */
type Operand = 'x' | number | { readonly constant: number };
type Step = readonly [
  op: string,
  operands: readonly Operand[],
  attributes?: Readonly<Record<string, { float: number }>>,
];

const c = (constant: number): Operand => ({ constant });
const x = 'x';
const sixth = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };
const erf: readonly Step[] = [
  ['Div', [x, c(Math.SQRT2)]],
  ['Erf', [0]],
  ['Add', [1, c(1)]],
];
const slope = Math.sqrt(2 / Math.PI);

const spellings: readonly (readonly [title: string, operator: string, steps: readonly Step[]])[] = [
  [
    'x sigmoid(x)',
    'Silu',
    [
      ['Sigmoid', [x]],
      ['Mul', [x, 0]],
    ],
  ],
  [
    'sigmoid(x) x',
    'Silu',
    [
      ['Sigmoid', [x]],
      ['Mul', [0, x]],
    ],
  ],
  [
    'x tanh(softplus(x))',
    'Mish',
    [
      ['Softplus', [x]],
      ['Tanh', [0]],
      ['Mul', [x, 1]],
    ],
  ],
  [
    'x / (1 + |x|)',
    'Softsign',
    [
      ['Abs', [x]],
      ['Add', [c(1), 0]],
      ['Div', [x, 1]],
    ],
  ],
  [
    'x hardsigmoid(x)',
    'HardSwish',
    [
      ['HardSigmoid', [x], sixth],
      ['Mul', [x, 0]],
    ],
  ],
  [
    'x clip(x + 3) / 6',
    'HardSwish',
    [
      ['Add', [x, c(3)]],
      ['Clip', [0, c(0), c(6)]],
      ['Mul', [x, 1]],
      ['Div', [2, c(6)]],
    ],
  ],
  [
    'x (clip(x + 3) / 6)',
    'HardSwish',
    [
      ['Add', [x, c(3)]],
      ['Clip', [0, c(0), c(6)]],
      ['Div', [1, c(6)]],
      ['Mul', [x, 2]],
    ],
  ],
  ['x (1 + erf) / 2', 'Gelu', [...erf, ['Mul', [x, 2]], ['Mul', [3, c(0.5)]]]],
  ['(x / 2) (1 + erf)', 'Gelu', [...erf, ['Mul', [x, c(0.5)]], ['Mul', [3, 2]]]],
  ['x ((1 + erf) / 2)', 'Gelu', [...erf, ['Mul', [2, c(0.5)]], ['Mul', [3, x]]]],
  [
    'x (1 + tanh) / 2, the cube by products',
    'GeluTanh',
    [
      ['Mul', [x, x]],
      ['Mul', [x, 0]],
      ['Mul', [1, c(0.044715)]],
      ['Add', [x, 2]],
      ['Mul', [3, c(slope)]],
      ['Tanh', [4]],
      ['Add', [5, c(1)]],
      ['Mul', [x, 6]],
      ['Mul', [7, c(0.5)]],
    ],
  ],
  [
    '(x / 2) (1 + tanh), the cube as a power',
    'GeluTanh',
    [
      ['Pow', [x, c(3)]],
      ['Mul', [c(0.044715), 0]],
      ['Add', [x, 1]],
      ['Mul', [c(slope), 2]],
      ['Tanh', [3]],
      ['Add', [c(1), 4]],
      ['Mul', [c(0.5), x]],
      ['Mul', [6, 5]],
    ],
  ],
];

/** Two convolutions that are added, behind the second of which the steps come. */
function branches(steps: readonly Step[]): Uint8Array {
  const constants: TensorProto[] = ['w', 'v'].map((name, k) =>
    floats(
      name,
      [3, 3, 1, 1],
      Array.from({ length: 9 }, (_, i) => Math.sin(i + k)),
    ),
  );
  const nodes: NodeProto[] = steps.map(([op, operands, attributes = {}], index) => {
    const names = operands.map((operand, position) => {
      if (operand === 'x') return 'x';
      if (typeof operand === 'number') return `y${operand}`;
      const name = `c${index}.${position}`;
      constants.push(floats(name, [], [operand.constant]));
      return name;
    });
    return node(op, names, [`y${index}`], attributes);
  });
  return modelBytes({
    inputs: [value('image', [1, 3, 4, 5])],
    nodes: [
      node('Conv', ['image', 'v'], ['other']),
      node('Conv', ['image', 'w'], ['x']),
      ...nodes,
      node('Add', ['other', `y${steps.length - 1}`], ['y']),
    ],
    outputs: [untyped('y')],
    constants,
    opset: 17,
  });
}

for (const [title, operator, steps] of spellings) {
  test(`${title} is read as one operator`, async (t) => {
    const bytes = branches(steps);
    const graph = fromOnnx(bytes);
    t.deepEqual(
      graph.nodes.map(({ op }) => op.name),
      ['Conv', 'Conv', operator, 'Add'],
    );
    t.deepEqual(
      searchSpace(graph).segments.map(({ removable }) => removable),
      [true, true, false],
    );
    const data = noise(graph, 1);
    const [expected] = await runOnnx(bytes, data);
    const [actual] = runReference(graph, initialWeights(graph, 0), data);
    t.true(relativeDifference(actual ?? [], expected ?? []) < TOLERANCE);
  });
}

const others: readonly (readonly [title: string, steps: readonly Step[]])[] = [
  [
    'another factor',
    [
      ['Sigmoid', [x]],
      ['Mul', [c(0.3), x]],
      ['Mul', [1, 0]],
    ],
  ],
  [
    'another slope',
    [
      ['HardSigmoid', [x], { ...sixth, alpha: { float: 0.2 } }],
      ['Mul', [x, 0]],
    ],
  ],
  [
    'a quotient upside down',
    [
      ['Abs', [x]],
      ['Add', [0, c(1)]],
      ['Div', [1, x]],
    ],
  ],
  [
    'another size',
    [
      ['Abs', [x]],
      ['Add', [0, c(1.01)]],
      ['Div', [x, 1]],
    ],
  ],
];

for (const [title, steps] of others) {
  test(`${title} makes it what it says`, async (t) => {
    const bytes = branches(steps);
    const graph = fromOnnx(bytes);
    t.is(graph.nodes.length, steps.length + 3);
    const data = noise(graph, 1);
    const [expected] = await runOnnx(bytes, data);
    const [actual] = runReference(graph, initialWeights(graph, 0), data);
    t.true(relativeDifference(actual ?? [], expected ?? []) < TOLERANCE);
  });
}
