// What operators promise to the search, held against what they compute (reference interpreter, float64):
// `zero` and `narrow` must be sound. Also shapes, costs, exports and the wording of complaints.

import test from 'ava';
import type { Kept, Mode, Narrowed, Op } from '../lib/graph.js';
import { makeNode } from '../lib/graph.js';
import * as ops from '../lib/ops/index.js';
import { elements, f32, formatShape, type Shape, type TensorType } from '../lib/shape.js';
import { cases, contents, evaluator, graphOf, titledCases, type Case } from './operator-cases.js';

const MODES: readonly Mode[] = ['probe', 'eval'];

for (const [title, c] of titledCases) {
  test(`${title} is zero whenever it promises to be`, (t) => {
    const data = contents(c, 2);
    for (const zeros of subsets(c.inputs.length).filter((zeros) => c.op.zero(zeros))) {
      const silenced = data.map((x, index) => (zeros[index] ? new Float64Array(x.length) : x));
      for (const mode of MODES) {
        const [y] = runOp(c.op, c.inputs, silenced, mode);
        t.true(
          y?.every((value) => value === 0),
          `zeros ${zeros.join()} in ${mode}`,
        );
      }
    }
    t.false(c.op.zero(c.inputs.map(() => false)));
  });
}

test('operators that may promise nothing about zero are these', (t) => {
  const never = factoriesWhere((c) => !subsets(c.inputs.length).some((zeros) => c.op.zero(zeros)));
  t.deepEqual(never, [
    'softplus',
    'sigmoid',
    'hardSigmoid',
    'clip',
    'affine',
    'exp',
    'log',
    'power',
    'greaterOrEqual',
    'softmax',
    'pad',
    'softmaxCrossEntropy',
  ]);
});

/** Factors that a promise covers; powers of two, so that multiplying rounds nothing. */
const FACTORS = { any: [0, -0.5, 4], positive: [0.25, 2], none: [] } as const;

/** Running in float64: only what an operator adds of its own (epsilons, say) would show, far above this. */
const ROUNDING = 1e-12;

for (const [title, c] of titledCases) {
  test(`${title} is multiplied by the factors that it promises`, (t) => {
    const data = contents(c, 3);
    const [y = new Float64Array()] = runOp(c.op, c.inputs, data, 'eval');
    for (const scaled of subsets(c.inputs.length)) {
      for (const factor of FACTORS[c.op.homogeneous(scaled)]) {
        const changed = data.map((x, index) => (scaled[index] ? x.map((value) => value * factor) : x));
        const [found = new Float64Array()] = runOp(c.op, c.inputs, changed, 'eval');
        const worst = y.reduce((most, v, i) => Math.max(most, Math.abs(v * factor - (found[i] ?? NaN))), 0);
        t.true(worst <= ROUNDING, `scaled ${scaled.join()} by ${factor}: ${worst}`);
      }
    }
    t.is(c.op.homogeneous(c.inputs.map(() => false)), 'none');
  });
}

test('operators that may promise nothing about factors are these', (t) => {
  const never = factoriesWhere(
    (c) => !subsets(c.inputs.length).some((scaled) => c.op.homogeneous(scaled) !== 'none'),
  );
  t.deepEqual(never, [
    'elu',
    'selu',
    'celu',
    'softplus',
    'mish',
    'softsign',
    'sigmoid',
    'tanh',
    'silu',
    'gelu',
    'geluTanh',
    'hardSigmoid',
    'hardSwish',
    'clip',
    'affine',
    'exp',
    'log',
    'sqrt',
    'erf',
    'power',
    'greater',
    'greaterOrEqual',
    'softmax',
    'layerNorm',
    'pad',
    'softmaxCrossEntropy',
  ]);
});

for (const [title, c] of titledCases) {
  test(`${title} narrows to the same function of what is left, if it does`, (t) => {
    for (const kept of narrowings(c)) for (const mode of MODES) checkNarrowed(c, kept, mode, t.deepEqual);
    t.pass();
  });
}

test('cases that never narrow are of these operators', (t) => {
  t.deepEqual(
    factoriesWhere((c) => narrowings(c).length === 0),
    [
      'matmul',
      'softmax',
      'layerNorm',
      'reduceSum',
      'reduceMean',
      'transpose',
      'expand',
      'softmaxCrossEntropy',
    ],
  );
});

test('grouped convolution narrows by whole groups only', (t) => {
  const op = ops.conv({ groups: 2 });
  const inputs = [f32([1, 4, 3, 3]), f32([6, 2, 3, 3])];
  t.is(op.narrow?.([[0, 1, 2], null], inputs), null);
  const narrowed = op.narrow?.([[2, 3], null], inputs);
  t.deepEqual(narrowed?.outputs, [[3, 4, 5]]);
  t.is(narrowed?.op.attrs['groups'], 1);
});

test('a sum narrows only where all terms lose the same channels', (t) => {
  const inputs = [f32([1, 4]), f32([1, 4])];
  t.is(ops.sum().narrow?.([[0, 1], null], inputs), null);
  t.is(
    ops.sum().narrow?.(
      [
        [0, 1],
        [0, 2],
      ],
      inputs,
    ),
    null,
  );
  t.deepEqual(
    ops.sum().narrow?.(
      [
        [0, 1],
        [0, 1],
      ],
      inputs,
    )?.outputs,
    [[0, 1]],
  );
});

test('reshaping refuses to narrow where channels do not stay together', (t) => {
  const inputs = [f32([2, 4, 3, 3])];
  t.is(ops.reshape([2, 2, -1]).narrow?.([[0, 1]], inputs), null);
  t.is(ops.reshape([8, -1]).narrow?.([[0, 1]], inputs), null);
  t.is(ops.reshape([0, 2, 2, 9]).narrow?.([[0, 1]], inputs), null);
});

test('joints are sums and concatenations of channels, and nothing else', (t) => {
  const joints = titledCases
    .filter(([, c]) => c.op.joint === 'sum' || c.op.joint === 'concat')
    .map(([title]) => title);
  t.deepEqual(joints, ['add 1', 'add 2', 'add 3', 'add 4', 'sum 1', 'sum 2', 'sum 3', 'concat 1']);
});

test('multiply-accumulates follow the papers: convolutions and products alone', (t) => {
  t.is(macs(ops.conv({ padding: [1, 1, 1, 1] }), [1, 3, 32, 32], [64, 3, 3, 3], [64]), 32 * 32 * 64 * 27);
  t.is(macs(ops.conv({ groups: 8 }), [1, 8, 5, 5], [8, 1, 5, 5]), 8 * 25);
  t.is(macs(ops.linear(), [4, 100], [10, 100], [10]), 4000);
  t.is(macs(ops.batchNorm(), [1, 2, 3, 3], [2], [2], [2], [2]), 0);
});

test('batch normalisation updates running statistics in training alone', (t) => {
  t.deepEqual(ops.batchNorm().lower('train').updates, [3, 4]);
  t.is(ops.batchNorm().lower('probe').updates, undefined);
  const inference = ops.batchNorm().lower('eval');
  t.is(inference.kernel, 'batch_norm_inference');
  t.deepEqual(inference.outputs, [0]);
});

test('an operator takes one epilogue', (t) => {
  const layers = [ops.conv(), ops.linear(), ops.batchNorm(), ops.sum()];
  for (const op of layers) {
    const fused = op.fuse('relu');
    t.is(fused?.attrs['epilogue'], 'relu');
    t.is(fused?.fuse('relu'), null);
    t.is(fused?.onnx, null);
  }
  t.is(ops.relu().epilogue, 'relu');
  t.is(ops.maxPool({ kernel: [2, 2] }).fuse('relu'), null);
});

test('output sizes of windows follow the formula, with and without a partial last window', (t) => {
  t.deepEqual(size(ops.maxPool({ kernel: [2, 2] }), [1, 1, 7, 8]), [1, 1, 3, 4]);
  t.deepEqual(size(ops.maxPool({ kernel: [2, 2], ceil: true }), [1, 1, 7, 8]), [1, 1, 4, 4]);
  // The second window would start in the padding behind the image.
  const padded = ops.maxPool({ kernel: [2, 2], strides: [3, 3], padding: [0, 0, 1, 1], ceil: true });
  t.deepEqual(size(padded, [1, 1, 3, 3]), [1, 1, 1, 1]);
  const resized = ops.resize({ scales: [7 / 3, 1 / 49], mode: 'nearest', coordinates: 'asymmetric' });
  t.deepEqual(size(resized, [1, 1, 3, 49]), [1, 1, 7, 1]);
});

const complaints: readonly (readonly [Op, readonly Shape[], string])[] = [
  [
    ops.conv(),
    [
      [8, 64, 16, 16],
      [64, 32, 3, 3],
    ],
    'input has 64 channels but the weight expects 32',
  ],
  [
    ops.conv({ groups: 2 }),
    [
      [1, 6, 4, 4],
      [4, 2, 1, 1],
    ],
    'input has 6 channels but the weight expects 4 (2 groups of 2)',
  ],
  [
    ops.conv({ groups: 2 }),
    [
      [1, 4, 4, 4],
      [3, 2, 1, 1],
    ],
    '3 output channels do not fall into 2 groups',
  ],
  [ops.conv(), [[1, 2, 4, 4], [3, 2, 1, 1], [4]], 'bias has 4 elements but 3 were expected'],
  [
    ops.conv(),
    [
      [1, 2, 2, 4],
      [3, 2, 3, 3],
    ],
    'a window of 3 does not fit into height 2 with padding 0 and 0',
  ],
  [
    ops.conv(),
    [
      [1, 2],
      [3, 2, 3, 3],
    ],
    'input has rank 2 but 4 was expected',
  ],
  [ops.conv(), [[1, 2, 3, 3]], 'expected 2 to 3 inputs, got 1'],
  [
    ops.linear(),
    [
      [2, 8],
      [4, 7],
    ],
    'input has 8 features but the weight expects 7',
  ],
  [ops.batchNorm(), [[2, 3, 4, 4], [3], [3], [4], [3]], 'mean has 4 elements but 3 were expected'],
  [
    ops.sum(),
    [
      [2, 3],
      [2, 4],
    ],
    'input 1 is f32[2,4] but input 0 is f32[2,3]',
  ],
  [
    ops.concat(),
    [
      [2, 3, 4, 4],
      [2, 3, 4, 5],
    ],
    'input 1 [2,3,4,5] differs from input 0 [2,3,4,4] in more than axis 1',
  ],
  [ops.concat(4), [[2, 3]], 'axis 4 does not exist in [2,3]'],
  [ops.split(1, [2, 2]), [[1, 5]], 'parts of 2, 2 do not make up axis 1 of size 5'],
  [ops.reshape([0, 5]), [[2, 4]], '[2,4] does not reshape to [0,5]'],
  [ops.squeeze([1]), [[2, 4]], 'axis 1 of [2,4] has size 4, not 1'],
  [
    ops.resize({ scales: [0.1, 1], mode: 'nearest', coordinates: 'asymmetric' }),
    [[1, 1, 4, 4]],
    'size 4 times 0.1 leaves nothing',
  ],
  [
    ops.averagePool({ kernel: [2, 2], padding: [0, 2, 0, 0] }),
    [[1, 1, 4, 4]],
    'padding 0,2,0,0 holds whole windows of 2 x 2',
  ],
  [ops.relu(), [[1], [1]], 'expected 1 inputs, got 2'],
  [ops.softmaxCrossEntropy(), [[2, 3], [2]], 'labels are f32[2] but the logits are f32[2,3]'],
];

for (const [op, shapes, message] of complaints) {
  test(`${op.name} complains: ${message}`, (t) => {
    const values = shapes.map((shape, i) => ({ name: `x${i}`, type: f32(shape), origin: 'input' as const }));
    t.throws(() => makeNode('here', op, values), {
      code: 'ERR_SHAPE',
      message: `${op.name} 'here': ${message} (inputs ${shapes.map(formatShape).join(', ')})`,
    });
  });
}

function macs(op: Op, ...shapes: Shape[]): number {
  const inputs = shapes.map(f32);
  return op.macs(inputs, op.infer(inputs));
}

const size = (op: Op, shape: Shape): Shape | undefined => op.infer([f32(shape)])[0]?.shape;

/** All ways to mark `length` inputs. */
const subsets = (length: number): boolean[][] =>
  Array.from({ length: 2 ** length }, (_, bits) =>
    Array.from({ length }, (_, index) => ((bits >> index) & 1) === 1),
  );

function runOp(op: Op, inputs: readonly TensorType[], data: readonly Float64Array[], mode: Mode) {
  const graph = graphOf(op, inputs);
  return evaluator(
    graph,
    mode === 'eval' ? graph.outputs.slice(0, rank2Outputs(op, inputs)) : graph.outputs,
    mode,
  )(data);
}

/** Inference gives no batch statistics, which are the results of rank 1. */
const rank2Outputs = (op: Op, inputs: readonly TensorType[]): number =>
  op.infer(inputs).filter((type) => type.shape.length > 1).length || 1;

/** Names of the factories that have a case for which `holds` is true. */
const factoriesWhere = (holds: (c: Case) => boolean): readonly string[] =>
  Object.entries(cases).flatMap(([name, list]) => (list.some(holds) ? [name] : []));

/** The ways of losing channels that the operator of a case agrees to. */
const narrowings = (c: Case): readonly (readonly Kept[])[] =>
  keptLists(c).filter((kept) => c.op.narrow?.(kept, c.inputs));

/** Ways in which the data inputs of a case may lose channels; at least one loses some. */
function keptLists(c: Case): readonly (readonly Kept[])[] {
  const choices = c.inputs.map((type, index) =>
    index < (c.data ?? c.inputs.length) ? someChannels(type.shape[1] ?? 0) : [null],
  );
  return product(choices).filter((kept) => kept.some((k) => k !== null));
}

const someChannels = (count: number): readonly Kept[] => [
  null,
  range(count).filter((channel) => channel % 2 === 0),
  range(count).slice(Math.floor(count / 2)),
  range(count).filter((channel) => channel !== 1),
];

const product = (choices: readonly (readonly Kept[])[]): readonly (readonly Kept[])[] =>
  choices.reduce<readonly (readonly Kept[])[]>(
    (lists, options) => lists.flatMap((list) => options.map((option) => [...list, option])),
    [[]],
  );

/** The narrowed operator on kept channels gives what the whole gives where lost channels are zero. */
function checkNarrowed(
  c: Case,
  kept: readonly Kept[],
  mode: Mode,
  equal: (actual: readonly number[], expected: readonly number[], message: string) => void,
): void {
  const narrowed = c.op.narrow?.(kept, c.inputs) as Narrowed;
  const data = contents(c, 3);
  const parts = c.inputs.map((type, index) =>
    part(type, data[index] as Float64Array, kept[index] ?? null, narrowed, index),
  );
  const whole = runOp(
    c.op,
    c.inputs,
    data.map((x, i) => silence(x, c.inputs[i] as TensorType, kept[i] ?? null)),
    mode,
  );
  const less = runOp(
    narrowed.op,
    parts.map((p) => p.type),
    parts.map((p) => p.data),
    mode,
  );
  const types = c.op.infer(c.inputs);
  whole.forEach((y, index) => {
    const type = types[index] as TensorType;
    if (type.shape.length < 2) return;
    const expected = take(y, type.shape, 1, narrowed.outputs[index] ?? null);
    equal(rounded(less[index] as Float64Array), rounded(expected), `kept ${JSON.stringify(kept)} in ${mode}`);
  });
}

/** What an input looks like to the narrowed operator. */
function part(type: TensorType, data: Float64Array, kept: Kept, narrowed: Narrowed, index: number) {
  const slice = narrowed.slices.find((s) => s.input === index);
  const [axis, keep] = slice ? [slice.axis, slice.keep] : [1, kept];
  if (!keep) return { type, data };
  return { type: f32(type.shape.with(axis, keep.length)), data: take(data, type.shape, axis, keep) };
}

/** The elements of `x` at the kept positions of `axis`. */
function take(x: Float64Array, shape: Shape, axis: number, kept: Kept): Float64Array {
  if (!kept) return x;
  const set = new Set(kept);
  return x.filter((_, index) => set.has(position(index, shape, axis)));
}

const silence = (x: Float64Array, { shape }: TensorType, kept: Kept): Float64Array =>
  kept ? x.map((value, index) => (kept.includes(position(index, shape, 1)) ? value : 0)) : x;

/** Where the element with flat index `index` lies along `axis`. */
const position = (index: number, shape: Shape, axis: number): number =>
  Math.floor(index / elements(shape.slice(axis + 1))) % (shape[axis] as number);

/** Sums over fewer terms differ in the last bits of float64; twelve digits are kept. */
const rounded = (x: Float64Array): readonly number[] =>
  Array.from(x, (value) => Number(value.toFixed(12)) + 0);

const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);
