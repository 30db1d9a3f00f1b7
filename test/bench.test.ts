// The benchmarks run, and count the work of a step rightly. How fast anything is is not asked here.

import test from 'ava';
import { subjects } from '../bench/networks.js';
import { workOf } from '../bench/work.js';
import { compileTraining } from '../lib/compile/training.js';
import { countMacs, countParameters, nodeMacs, type Node } from '../lib/graph.js';
import { bench, benchCommand, benchOutput } from './short-bench.js';

test('a short run times a step of every network', async (t) => {
  const { machine, results, geomean } = await bench('step/');
  t.not(machine.instructions, '');
  t.deepEqual(
    results.map(({ name }) => name),
    subjects.map(({ name }) => `step/${name}`),
  );
  t.true(results.every(({ ours_ms, ratio }) => (ours_ms ?? 0) > 0 && ratio === null));
  t.is(geomean, null);
});

for (const [only, unit] of [
  ['analysis/stackedunets', 'ms'],
  ['ceiling/separable', 'ms'],
  ['compile/stackedunets', 'ms'],
  ['data/plain 32x32', 'ms'],
  ['erase/stackedunets', 's'],
  ['half-space/sgd warm-up, 16 segments', 'ms'],
  ['memory/separable', 'mb'],
] as const) {
  test(`a short run of ${only} gives figures`, async (t) => {
    const { results } = await bench(only);
    t.true((results.find(({ name }) => name === only)?.[`ours_${unit}`] ?? 0) > 0);
  });
}

test('a short run of soak/stackedunets tells how much is resident in every tenth of it', async (t) => {
  const { results } = await bench('soak/');
  t.is(Object.values(results[0]?.details ?? {}).filter((megabytes) => megabytes > 0).length, 10);
});

test('where no GPU can be used, its benchmarks say why they do not run', async (t) => {
  const { stderr } = await benchOutput('gpu/', { HALFSPACE_CUDA_LIBRARY: '/nowhere/halfspace_cuda.so' });
  t.regex(stderr, /^gpu: skipped; device: cpu \(cuda: the CUDA engine cannot be loaded: \/nowhere\//m);
});

test('two checkouts are timed by turns, here one and itself', async (t) => {
  const { stdout } = await benchCommand('turns.ts', ['.', '--only', 'compile/stackedunets', '--rounds', '2']);
  t.regex(stdout, /^compile\/stackedunets +before \d+\.\d+ {2}now \d+\.\d+ {2}\d+\.\d+x$/m);
});

test('options that nobody knows end with those that there are', async (t) => {
  const refused = { code: 2, message: /--fast[^]*\[--only PATTERN\]/ };
  await t.throwsAsync(benchCommand('main.ts', ['--fast']), refused);
});

test('a benchmark that nobody knows is an error', async (t) => {
  await t.throwsAsync(benchOutput('nothing'), { message: /no benchmark is named like 'nothing'/ });
});

test('ResNet-18 has the size that is known for 32x32 images and ten classes', (t) => {
  const graph = subjects.find(({ name }) => name === 'resnet-18')?.build();
  t.is(graph && countParameters(graph), 11_173_962);
});

test('a training step multiplies three times as often as inference, but for the gradient of the images', (t) => {
  for (const { name, build } of subjects.filter(({ handwritten }) => handwritten)) {
    const graph = build();
    const { program } = compileTraining(graph, { batch: 2, rule: 'sgd', groups: [] });
    const flops = workOf(program, 'train').reduce((sum, step) => sum + step.flops, 0);
    t.is(flops, 2 * 2 * (3 * countMacs(graph) - nodeMacs(graph.nodes[0] as Node)), name);
  }
});
