// Applications of operators that are chosen for how devices work rather than for what operators mean:
// channel counts below, at and above the blocks of 16, uneven windows, grouped and depthwise
// convolutions, images of odd sizes.

import type { Mode, Op } from '../lib/graph.js';
import * as ops from '../lib/ops/index.js';
import { f32, type Shape } from '../lib/shape.js';
import type { Case } from './operator-cases.js';

type Titled = readonly [string, Case];

const CHANNELS = [1, 3, 16, 17, 24, 40];

const of = (op: Op, ...shapes: Shape[]): Case => ({ op, inputs: shapes.map(f32) });
const layer = (op: Op, ...shapes: Shape[]): Case => ({ ...of(op, ...shapes), data: 1 });

/** Input channels, output channels, kernel, and whatever else the convolution says. */
type Conv = readonly [number, number, readonly [number, number], Parameters<typeof ops.conv>[0]?];

const convolutions: readonly Conv[] = [
  [1, 3, [3, 3], { padding: [1, 1, 1, 1] }],
  [3, 16, [3, 3], { padding: [1, 1, 1, 1], strides: [2, 2] }],
  [3, 17, [7, 7], { padding: [3, 3, 3, 3], strides: [2, 2], epilogue: 'relu' }],
  [16, 17, [3, 3], { padding: [1, 1, 1, 1], epilogue: 'relu' }],
  [17, 24, [1, 1], {}],
  [24, 40, [3, 3], { padding: [0, 1, 1, 0], strides: [2, 2] }],
  [40, 1, [1, 1], { strides: [2, 1] }],
  [40, 40, [3, 3], { padding: [2, 2, 2, 2], dilations: [2, 2] }],
  [16, 16, [1, 7], { padding: [0, 3, 0, 3] }],
  [17, 16, [7, 1], { padding: [3, 0, 3, 0], dilations: [1, 1] }],
  [24, 40, [3, 3], { padding: [1, 1, 1, 1], groups: 4 }],
  [32, 32, [3, 3], { padding: [1, 1, 1, 1], groups: 2, epilogue: 'relu' }],
  [48, 96, [1, 1], { groups: 3 }],
  ...[3, 16, 17, 24, 40].map((c): Conv => [c, c, [3, 3], { padding: [1, 1, 1, 1], groups: c }]),
  ...[16, 40].map((c): Conv => [c, c, [5, 5], { padding: [2, 2, 2, 2], groups: c, strides: [2, 2] }]),
  ...[17, 32].map((c): Conv => [c, c, [5, 5], { padding: [2, 2, 2, 2], groups: c, epilogue: 'relu' }]),
  [24, 24, [3, 3], { padding: [2, 2, 2, 2], dilations: [2, 2], groups: 24 }],
  [17, 34, [3, 3], { padding: [1, 0, 0, 1], groups: 17 }],
];

/** Every convolution with and without a bias. */
const convolutionCases = convolutions.flatMap(([c, o, kernel, options = {}]): Titled[] => {
  const op = ops.conv(options);
  const x: Shape = [2, c, 9, 8];
  const w: Shape = [o, c / (options.groups ?? 1), ...kernel];
  const title = `conv ${c} to ${o}, kernel ${kernel.join('x')} ${JSON.stringify(options)}`;
  return [
    [title, layer(op, x, w)],
    [`${title} with bias`, layer(op, x, w, [o])],
  ];
});

const linearCases = [
  [3, 4],
  [17, 33],
  [64, 10],
  [160, 40],
].flatMap(([i = 0, o = 0]): Titled[] => [
  [`linear ${i} to ${o}`, layer(ops.linear(), [5, i], [o, i], [o])],
  [`linear ${i} to ${o} without bias, relu`, layer(ops.linear({ epilogue: 'relu' }), [5, i], [o, i])],
]);

const normalizationCases = [
  ...CHANNELS.map((c): Shape => [3, c, 7, 5]),
  [2, 32, 16, 16],
  [64, 17],
  [5, 24, 7],
].flatMap((shape): Titled[] =>
  ([undefined, 'relu'] as const).map((epilogue) => {
    const c = shape.slice(1, 2);
    const op = ops.batchNorm(epilogue ? { epilogue, epsilon: 1e-3 } : {});
    const title = `batchNorm [${shape.join(',')}] ${epilogue ?? ''}`;
    return [title, { ...layer(op, shape, c, c, c, c), positive: [4] }];
  }),
);

const functions: readonly (readonly [string, Op, ...number[]])[] = [
  ['relu', ops.relu(), 0],
  ['leakyRelu', ops.leakyRelu(0.1), 0],
  ['elu', ops.elu(0.8), 0],
  ['selu', ops.selu(), 0],
  ['celu', ops.celu(0.7)],
  ['softplus', ops.softplus()],
  ['mish', ops.mish()],
  ['softsign', ops.softsign()],
  ['abs', ops.abs(), 0],
  ['sigmoid', ops.sigmoid()],
  ['tanh', ops.tanh()],
  ['silu', ops.silu()],
  ['gelu', ops.gelu()],
  ['geluTanh', ops.geluTanh()],
  ['hardSigmoid', ops.hardSigmoid(), -3, 3],
  ['hardSwish', ops.hardSwish(), -3, 3],
  ['clip', ops.clip(0, 3), 0, 3],
];

const functionCases = functions.flatMap(([name, op, ...kinks]): Titled[] =>
  [
    [2, 17, 5, 3],
    [2, 32, 3, 3],
    [3, 19],
  ].map((shape) => [`${name} of [${shape.join(',')}]`, { ...of(op, shape), kinks }]),
);

const sumCases = CHANNELS.flatMap((c): Titled[] => {
  const x: Shape = [2, c, 5, 3];
  return [
    [`sum of two, ${c} channels`, of(ops.sum(), x, x)],
    [`sum of four, ${c} channels, relu`, of(ops.sum({ epilogue: 'relu' }), x, x, x, x)],
  ];
});

/** A number beside an image does not have its channels; 40,000 elements are more than one piece of a sum. */
const numberCases = [...CHANNELS.map((c): Shape => [2, c, 5, 3]), [4, 17, 24, 25] as const].flatMap(
  (shape): Titled[] => [
    [`[${shape.join(',')}] times a number`, layer(ops.multiply(), shape, [1])],
    [`[${shape.join(',')}] and a number`, layer(ops.add(), shape, [1])],
  ],
);

const twoCases = ([3, 16, 17] as const).flatMap((c): Titled[] => {
  const x: Shape = [2, c, 5, 3];
  return (['greater', 'greaterOrEqual', 'select', 'reject', 'maximum', 'minimum'] as const).flatMap(
    (name): Titled[] => [
      [`${name} of two, ${c} channels`, of(ops[name](), x, x)],
      [`${name} beside a row, ${c} channels`, of(ops[name](), x, [c, 1, 1])],
      [`${name} beside a number, ${c} channels`, layer(ops[name](), x, [1])],
    ],
  );
});

const slopeCases = [3, 16, 17].flatMap((c): Titled[] => [
  [`prelu of ${c} channels`, { ...layer(ops.prelu(), [2, c, 5, 3], [c, 1, 1]), kinks: [0] }],
  [`prelu of ${c} channels, one slope`, { ...layer(ops.prelu(), [2, c, 5, 3], [1]), kinks: [0] }],
]);

/** Axes after the channels, and channels in groups. */
const rowCases: readonly Titled[] = [
  ['layerNorm of pixels', of(ops.layerNorm({ axis: 2 }), [2, 17, 5, 3])],
  ['layerNorm of a group', of(ops.layerNorm({ axis: 2 }), [3, 2, 400])],
  ['layerNorm of rows, scaled', layer(ops.layerNorm({ axis: 2 }), [2, 5, 19], [19], [19])],
];

/** Sizes along an axis of parts that are joined, and taken apart again. */
const joins: readonly (readonly [axis: number, sizes: readonly number[]])[] = [
  [1, [16, 16]],
  [1, [3, 17, 24]],
  [1, [1, 40, 16]],
  [1, [32, 5, 16]],
  [0, [1, 2]],
  [2, [2, 5]],
  [3, [4, 1, 1]],
];

const joinCases = joins.flatMap(([axis, sizes]): Titled[] => {
  const total = sizes.reduce((a, b) => a + b, 0);
  const whole: Shape = ([2, 17, 3, 5] satisfies Shape).with(axis, total);
  const title = `sizes ${sizes.join(', ')} along axis ${axis}`;
  const parts = of(ops.split(axis, sizes), whole);
  return [
    [`concat of ${title}`, of(ops.concat(axis), ...sizes.map((size) => whole.with(axis, size)))],
    [`split into ${title}`, { ...parts, join: ops.concat(axis) }],
  ];
});

const poolingCases = [3, 16, 17, 40].flatMap((c): Titled[] => {
  const x: Shape = [2, c, 9, 7];
  const wide = { kernel: [3, 3], padding: [1, 1, 1, 1] } as const;
  const uneven = { kernel: [3, 2], strides: [2, 1], padding: [0, 1, 1, 0] } as const;
  const partial = { kernel: [2, 2], strides: [2, 2], ceil: true } as const;
  return [
    [`maxPool of ${c} channels`, of(ops.maxPool({ ...wide, strides: [2, 2] }), x)],
    [`maxPool of ${c} channels, dilated`, of(ops.maxPool({ ...wide, dilations: [2, 2] }), x)],
    [`maxPool of ${c} channels, uneven`, of(ops.maxPool(uneven), x)],
    [`maxPool of ${c} channels, partial windows`, of(ops.maxPool(partial), x)],
    [`averagePool of ${c} channels`, of(ops.averagePool(wide), x)],
    [`averagePool of ${c} channels, uneven`, of(ops.averagePool(uneven), x)],
    [`averagePool of ${c} channels, partial windows`, of(ops.averagePool(partial), x)],
    [
      `averagePool of ${c} channels, padding counted`,
      of(ops.averagePool({ ...uneven, countIncludePad: true, ceil: true }), x),
    ],
    [`globalAveragePool of ${c} channels`, of(ops.globalAveragePool(), x)],
  ];
});

const resizeCases = (['nearest', 'linear'] as const).flatMap((mode) =>
  (['half_pixel', 'asymmetric', 'align_corners'] as const).flatMap((coordinates) =>
    (
      [
        [3, 2, 2],
        [16, 1.5, 3],
        [17, 2, 0.5],
        [40, 0.4, 1.25],
      ] as const
    ).map(([c, height, width]): Titled => {
      const op = ops.resize({ scales: [height, width], mode, coordinates });
      return [`resize ${mode} ${coordinates} by ${height}x${width}, ${c} channels`, of(op, [2, c, 5, 4])];
    }),
  ),
);

const reshapeCases: readonly Titled[] = [
  ['flatten 17 channels', of(ops.flatten(), [2, 17, 3, 5])],
  ['flatten single pixels', of(ops.flatten(), [3, 40, 1, 1])],
  ['reshape from 24 to 6 channels', of(ops.reshape([0, 6, 4, -1]), [2, 24, 3, 2])],
  ['reshape a matrix into images', of(ops.reshape([0, 17, 3, 2]), [2, 102])],
];

const lossCases: readonly Titled[] = [1, 2, 10, 100].map((classes) => {
  const labels = Array.from({ length: 6 }, (_, row) => (row === 3 ? -1 : (row * 7) % classes));
  const inputs = [f32([6, classes]), { dtype: 'i32', shape: [6] } as const];
  return [
    `cross-entropy of ${classes} classes`,
    { op: ops.softmaxCrossEntropy({ smoothing: classes > 2 ? 0.1 : 0 }), inputs, labels },
  ];
});

export const parityCases: readonly Titled[] = [
  ...convolutionCases,
  ...linearCases,
  ...normalizationCases,
  ...functionCases,
  ...sumCases,
  ...numberCases,
  ...twoCases,
  ...slopeCases,
  ...rowCases,
  ...joinCases,
  ...poolingCases,
  ...resizeCases,
  ...reshapeCases,
  ...lossCases,
];

/** The modes that an operator lowers differently in. */
export function distinctModes(op: Op): readonly Mode[] {
  const calls = (['train', 'probe', 'eval'] as const).map(
    (mode) => [mode, JSON.stringify(op.lower(mode))] as const,
  );
  return calls
    .filter(([, call], index) => calls.findIndex(([, other]) => other === call) === index)
    .map(([mode]) => mode);
}
