// The benchmarks run, and count the work of a step rightly. How fast anything is is not asked here.

import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isStale } from '../bench/built.js';
import { subjects } from '../bench/networks.js';
import { workOf } from '../bench/work.js';
import { compileTraining } from '../lib/compile/training.js';
import { native } from '../lib/train/native.js';
import { countMacs, countParameters, nodeMacs, type Node } from '../lib/graph.js';
import { bench, benchCommand, benchOutput, type Report } from './short-bench.js';

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
  ['half-space/sgd warm-up, 16 segments', 'ms'],
  ['memory/separable', 'mb'],
] as const) {
  test(`a short run of ${only} gives figures`, async (t) => {
    const { results } = await bench(only);
    t.true((results.find(({ name }) => name === only)?.[`ours_${unit}`] ?? 0) > 0);
  });
}

test('a short run of command/node tells the command line that it timed', async (t) => {
  const { results } = await bench('command/node');
  t.is(results[0]?.command, 'node -e 0');
  t.true((results[0]?.ours_ms ?? 0) > 0);
});

test('a short run of ceiling/separable counts what a step has to do', async (t) => {
  const { results } = await bench('ceiling/separable');
  const details = results.find(({ name }) => name === 'ceiling/separable')?.details ?? {};
  const { batch, 'program steps': all = 0, 'session steps': run = 0 } = details;
  t.is(batch, 2);
  t.true(run > 0 && run < all);
  const { GFLOP = NaN, GB = NaN, 'operations a byte': intensity = NaN } = details;
  t.true(Math.abs(intensity - GFLOP / GB) < 1e-9);
});

test('a short run of erase/stackedunets gives figures of every phase', async (t) => {
  const { results } = await bench('erase/stackedunets');
  t.true((results[0]?.ours_s ?? 0) > 0);
  const details = Object.entries(results[0]?.details ?? {});
  t.is(details.filter(([name]) => name.endsWith('images/s')).length, 4);
  for (const [name, value] of details) t.true(Number.isFinite(value) && value > 0, name);
});

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

test.serial('options that nobody knows end with those that there are', async (t) => {
  const refused = { code: 2, message: /--fast[^]*\[--only PATTERN\]/ };
  await t.throwsAsync(benchCommand('main.ts', ['--fast']), refused);
});

test.serial('a benchmark that nobody knows is an error that names those that there are', async (t) => {
  const message = /no benchmark is named like 'nothing'\n[^]*step\/resnet-18[^]*command\/help/;
  await t.throwsAsync(benchOutput('nothing'), { code: 2, message });
});

test.serial('help names the benchmarks', async (t) => {
  const { stdout } = await benchCommand('main.ts', ['--help']);
  t.regex(stdout, /--steps N[^]*step\/resnet-18[^]*erase\/darts-8/);
});

for (const [what, args, message] of [
  [
    'fewer steps than a benchmark has phases',
    ['--only', 'erase/', '--steps', '5'],
    /erase\/ takes at least 6, got 5/,
  ],
  [
    'fewer steps than a benchmark has tenths',
    ['--only', 'soak/', '--steps', '9'],
    /soak\/ takes at least 10, got 9/,
  ],
  [
    'a precision where there is no choice',
    ['--only', 'soak/', '--precision', 'fp32'],
    /soak\/ has no choice of it/,
  ],
  [
    'a precision that nobody knows',
    ['--only', 'step/', '--precision', 'fp8'],
    /expected fp32, tf32, bf16, got 'fp8'/,
  ],
  [
    'one that the processor lacks',
    ['--only', 'step/', '--precision', 'tf32'],
    /--precision: device 'cpu' has no tf32/,
  ],
] as const) {
  test.serial(`${what}: refused`, async (t) => {
    await t.throwsAsync(benchCommand('main.ts', args), { code: 2, message });
  });
}

test('steps are timed in bf16 where the processor has it, or else it is said why not', async (t) => {
  const args = ['--short', '--json', '--only', 'step/separable', '--precision', 'bf16'];
  if (!native().engine().bf16) {
    const refused = {
      code: 2,
      message: /--precision: device 'cpu' has no bf16 here: oneDNN \S+ takes AVX-512/,
    };
    await t.throwsAsync(benchCommand('main.ts', args), refused);
    return;
  }
  const { machine, results } = JSON.parse((await benchCommand('main.ts', args)).stdout) as Report;
  t.is(machine.precision, 'bf16');
  t.true((results[0]?.ours_ms ?? 0) > 0);
});

test.serial('a HALFSPACE_PYTHON of no use is refused in one line', async (t) => {
  const refused = benchOutput('half-space/', { HALFSPACE_PYTHON: '/nowhere' });
  const message = /\n'\/nowhere' is no Python with PyTorch: .*ENOENT.*\n$/;
  await t.throwsAsync(refused, { code: 2, message });
});

test('a benchmark that fails is told in a line, and the others are printed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const broken = join(folder, 'python');
  await writeFile(broken, '#!/bin/sh\n[ "$1" = -c ] && echo 9.9\n', { mode: 0o755 });
  const failed = (await t.throwsAsync(benchOutput('separable', { HALFSPACE_PYTHON: broken }), {
    code: 1,
  })) as Error & { readonly stdout: string; readonly stderr: string };
  t.regex(failed.stderr, /^step\/: failed; the PyTorch peer ended early/m);
  t.notRegex(failed.stderr, /^ {4}at /m);
  const { results } = JSON.parse(failed.stdout) as Report;
  t.true(results.some(({ name }) => name === 'ceiling/separable'));
});

test.serial('two checkouts that both lack a benchmark are not compared', async (t) => {
  const refused = { code: 2, message: /^in \.: no benchmark is named like 'nothing'/m };
  await t.throwsAsync(benchCommand('turns.ts', ['.', '--only', 'nothing']), refused);
});

test.serial('a comparison takes one other checkout', async (t) => {
  const refused = { code: 2, message: /expected one directory, got '\.', 'more'/ };
  await t.throwsAsync(benchCommand('turns.ts', ['.', 'more', '--only', 'step/']), refused);
});

test('what is built is stale where it is missing or older than a source', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [built, source, nested] = ['main.js', 'lib/main.ts', 'lib/cli/main.ts'].map((name) =>
    join(folder, name),
  );
  await mkdir(join(folder, 'lib/cli'), { recursive: true });
  for (const file of [source, nested]) await writeFile(file as string, '');
  const stale = (): boolean => isStale(built as string, [join(folder, 'lib')]);
  t.true(stale());
  await writeFile(built as string, '');
  for (const [file, seconds] of [
    [source, 1],
    [nested, 1],
    [join(folder, 'lib'), 1],
    [join(folder, 'lib/cli'), 1],
    [built, 2],
  ] as const)
    await utimes(file as string, seconds, seconds);
  t.false(stale());
  await utimes(nested as string, 3, 3);
  t.true(stale());
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
