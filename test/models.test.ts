// The built-in super-networks: sizes against the published ones, what can be erased, sub-networks that equal
// their zeroed super-network, and training that learns.

import test from 'ava';
import { openDataset } from '../lib/data/open.js';
import { countMacs, countParameters, type Graph } from '../lib/graph.js';
import { buildModel, modelNames } from '../lib/models/index.js';
import { darts } from '../lib/models/darts.js';
import { regnet } from '../lib/models/regnet.js';
import { random } from '../lib/random.js';
import { selectByScore } from '../lib/search/selection.js';
import { searchSpace, type SearchSpace } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { constructVerified } from '../lib/train/construct.js';
import { search } from '../lib/train/search.js';

/** Millions, as published: OTOv3 tables 1 and 3, and the RegNetX-800M setting for 32x32 images. */
const published: Readonly<Record<string, { readonly params: number; readonly macs: number }>> = {
  demosupnet: { params: 0.82, macs: 209 },
  stackedunets: { params: 0.8, macs: 184 },
  'darts-8': { params: 4.05, macs: 614 },
  'regnet-800m': { params: 6.6, macs: 258 },
};

for (const [name, { params, macs }] of Object.entries(published)) {
  test(`${name} has the published size within 5 %`, (t) => {
    const graph = buildModel(name);
    t.true(
      Math.abs(countParameters(graph) / 1e6 / params - 1) < 0.05,
      `${countParameters(graph)} parameters`,
    );
    t.true(Math.abs(countMacs(graph) / 1e6 / macs - 1) < 0.05, `${countMacs(graph)} MACs`);
  });
}

const usualWidth = {
  demosupnet: 32,
  'darts-14': 48,
  'darts-8': 24,
  'regnet-800m': 64,
  'regnet-800m-se': 64,
  stackedunets: 64,
  superresnet: 128,
  'superresnet-2m': 128,
} as const satisfies Record<(typeof modelNames)[number], number>;

/** Products of channels become a quarter; rounding to whole groups, the classifier and norms add some. */
for (const name of modelNames) {
  test(`half the width leaves about a quarter of ${name}`, (t) => {
    const [whole, half] = [usualWidth[name], usualWidth[name] / 2].map((width) =>
      buildModel(name, { width }),
    );
    t.is(countParameters(whole as Graph), countParameters(buildModel(name)));
    const left = countMacs(half as Graph) / countMacs(whole as Graph);
    t.true(left > 0.22 && left < 0.36, `${left} of the MACs`);
  });
}

test('a width that leaves half channels is refused', (t) => {
  for (const [name, width, expected] of [
    ['stackedunets', 6, 'a positive multiple of 4'],
    ['superresnet', 2, 'a positive multiple of 4'],
    ['darts-14', 3, 'a positive multiple of 2'],
    ['regnet-800m', 0, 'a whole number from 1'],
    ['demosupnet', 2.5, 'a whole number from 1'],
  ] as const) {
    const message = `the width of ${name} must be ${expected}, got ${width}`;
    t.throws(() => buildModel(name, { width }), { code: 'ERR_OPTION', message });
  }
});

/**
 * Groups, and how many of them can go together, counted by hand. Every block keeps one way through: where there
 * is an identity or a pooling in parallel that is the way, else one branch stays.
 */
const removable: Readonly<Record<string, readonly [groups: number, together: number]>> = {
  demosupnet: [3 + 2 + 3 + 3, 2 + 2 + 2 + 3],
  // Six as published; one of the two last branches stays.
  stackedunets: [6, 5],
  // 16 residual branches and 3 projections; in the blocks with a projection one of the two stays.
  'regnet-800m': [16 + 3, 16],
  // The same, since a product is no joint: what stands before the sum goes with the excitation before it.
  'regnet-800m-se': [16 + 3, 16],
  // Blocks of three branches, two of them with a projection.
  superresnet: [8 * 3 + 2, 8 * 3],
  'superresnet-2m': [15 * 3 + 2, 15 * 3],
  // 14 edges a cell with two separable and two dilated candidates; the 8 edges of stride 2 in a reduction cell
  // have a skip that is a convolution too. Pooling is always left.
  'darts-8': [8 * 14 * 4 + 2 * 8, 8 * 14 * 4 + 2 * 8],
  'darts-14': [14 * 14 * 4 + 2 * 8, 14 * 14 * 4 + 2 * 8],
};

for (const name of modelNames) {
  test(`the branches of ${name} that meet in sums and concatenations can be erased`, (t) => {
    const { groups, maxRemovable } = searchSpace(buildModel(name));
    t.deepEqual([groups.length, maxRemovable], removable[name]);
  });
}

/**
 * Blocks of w channels from v get two layers between w and v / 4 with biases:
 * 64 from 64; 128 from 64, 128, 128; 288 from 128 and six times 288; 672 from 288 and four times 672.
 */
test('squeeze-excitation adds what its layers hold to RegNet', (t) => {
  const blocks = [
    [64, 64],
    [64, 128],
    ...[128, 128].map((v) => [v, 128]),
    [128, 288],
    ...Array.from({ length: 6 }, () => [288, 288]),
    [288, 672],
    ...Array.from({ length: 4 }, () => [672, 672]),
  ] as const;
  const [plain, squeezed] = [buildModel('regnet-800m'), buildModel('regnet-800m-se')];
  const sum = (size: (v: number, w: number) => number): number =>
    blocks.reduce((total, [v = 0, w = 0]) => total + size(v / 4, w), 0);
  t.is(
    countParameters(squeezed) - countParameters(plain),
    sum((m, w) => 2 * m * w + m + w),
  );
  t.is(
    countMacs(squeezed) - countMacs(plain),
    sum((m, w) => 2 * m * w),
  );
});

test('a residual branch with squeeze-excitation is erased as a whole', (t) => {
  const graph = buildModel('regnet-800m-se');
  const space = searchSpace(graph);
  const before = space.segments.find(({ nodes }) => nodes[0]?.name === 'stage1.0.a');
  t.is(before?.reason, "its successor 'stage1.0.excitation.mean' (GlobalAveragePool) would have no input");
  const group = space.groups.find(({ parameters }) => parameters.includes('stage1.0.c.weight'));
  t.deepEqual(group?.parameters.slice(0, 2), [
    'stage1.0.excitation.reduce.weight',
    'stage1.0.excitation.reduce.bias',
  ]);
  const left = constructSubnet(space, [group?.id ?? -1]).graph.parameters.map(({ name }) => name);
  t.false(left.some((name) => name.startsWith('stage1.0.')));
});

/** Small versions of the networks, for tests that compute; 28 pixels have odd quarters and eighths. */
const small = (name: string): Graph =>
  buildModel(name, { input: [1, 28, 28], classes: 10, width: name.startsWith('superresnet') ? 16 : 8 });

const ids = (groups: SearchSpace['groups']): readonly number[] => groups.map(({ id }) => id);

/** A random valid set of groups of random size. */
function randomErasure(space: SearchSpace, seed: number): readonly number[] {
  const stream = random(seed);
  const count = 1 + stream.below(space.maxRemovable);
  return selectByScore(
    space,
    { kind: 'count', count },
    space.groups.map(() => stream.uniform()),
  );
}

for (const name of modelNames) {
  test(`sub-networks of ${name} equal the super-network with their groups at zero`, async (t) => {
    const graph = small(name);
    const space = searchSpace(graph);
    for (const seed of [1, 2, 3]) {
      const { summary } = await constructVerified(graph, randomErasure(space, seed));
      t.true(summary.subnet.params < summary.supernet.params);
    }
  });
}

test('DARTS takes images of odd sizes', async (t) => {
  for (const size of [
    [9, 11],
    [14, 3],
  ] as const) {
    const graph = darts(4, { input: [1, ...size], classes: 10, width: 8 });
    const { summary } = await constructVerified(graph, randomErasure(searchSpace(graph), 1));
    t.true(summary.subnet.params < summary.supernet.params);
  }
});

test('DARTS refuses images that are too small to halve, and names the sizes that work', (t) => {
  t.throws(() => buildModel('darts-8', { input: [3, 32, 2] }), {
    code: 'ERR_SHAPE',
    message: /at least 2x2 pixels to halve, got 16x1; images of 3x3 and larger suit 8 cells/,
  });
  t.notThrows(() => buildModel('darts-8', { input: [3, 3, 3], width: 8 }));
  t.notThrows(() => buildModel('darts-14', { input: [3, 17, 17], width: 8 }));
});

/** Millions: the sizes of the paper's sub-networks (section 4.2). */
const presets = { superresnet: 1, 'superresnet-2m': 2 } as const;

for (const [name, millions] of Object.entries(presets)) {
  test(`with the 3x3 branches alone, ${name} has ${millions} M parameters within 5 %`, (t) => {
    const space = searchSpace(buildModel(name));
    const larger = space.groups.filter(({ parameters }) => /\.k[57]\./.test(parameters[0] ?? ''));
    const params = countParameters(constructSubnet(space, ids(larger)).graph);
    t.true(Math.abs(params / 1e6 / millions - 1) < 0.05, `${params} parameters`);
  });

  test(`a search for ${millions} M parameters in ${name} ends at most a branch below`, (t) => {
    const space = searchSpace(buildModel(name));
    const limit = millions * 1e6;
    for (const seed of [1, 2, 3]) {
      const stream = random(seed);
      const scores = space.groups.map(() => stream.uniform());
      const taken = selectByScore(space, { kind: 'params', limit }, scores);
      const params = countParameters(constructSubnet(space, taken).graph);
      const last = space.groups[taken.at(-1) as number]?.params ?? 0;
      t.true(params <= limit && params + last > limit, `${params} parameters`);
    }
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Blocks with 16, 32, 64 and 64 channels. */
const smallSpace = { slope: 14, initial: 16, multiplier: 2, depth: 4, groupWidth: 8, squeeze: 0.25 };
const learners: Readonly<Record<string, Graph>> = {
  demosupnet: small('demosupnet'),
  stackedunets: small('stackedunets'),
  'DARTS with four cells': darts(4, { input: [1, 28, 28], classes: 10, width: 8 }),
  'a RegNet with squeeze-excitation': regnet(smallSpace, { input: [1, 28, 28], classes: 10, width: 16 }),
};

for (const [name, graph] of Object.entries(learners)) {
  test(`${name} learns the sample and keeps its target`, async (t) => {
    const losses: number[] = [];
    const result = await search(graph, await openDataset('sample'), {
      target: { kind: 'count', count: 2 },
      steps: 60,
      batch: 32,
      ablation: { batches: 1, losses: 20 },
      onProgress: (event) => {
        if (event.kind === 'step') losses.push(event.loss);
      },
    });
    t.true(mean(losses.slice(-10)) < 0.7 * mean(losses.slice(0, 5)), `losses ${losses.join(' ')}`);
    t.is(result.summary?.erased.length, 2);
  });
}
