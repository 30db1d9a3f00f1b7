// The whole job in one call, with its run directory: what files it leaves, what it refuses, that they
// agree with each other, and that a stopped run goes on.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as onnx from 'onnxruntime-node';
import { HalfspaceError } from '../lib/errors.js';
import { countParameters } from '../lib/graph.js';
import { readCheckpoint } from '../lib/train/checkpoint.js';
import { evaluate } from '../lib/train/evaluate.js';
import type { SearchOptions } from '../lib/train/options.js';
import { search, type Summary } from '../lib/train/search.js';
import { initialWeights } from '../lib/weights.js';
import { tinyDataset, tinyNetwork } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-'));
test.after.always(() => rmSync(folder, { recursive: true }));

let runs = 0;
const freshDirectory = (): string => join(folder, `run-${(runs += 1)}`);

const short: SearchOptions = {
  target: { kind: 'count', count: 2 },
  epochs: 3,
  batch: 8,
  learningRate: 0.05,
  threads: 1,
};

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

const readMetrics = (directory: string): { readonly kind: string; readonly step: number }[] =>
  readFileSync(join(directory, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; step: number });

test('a search leaves a run directory whose files agree', async (t) => {
  const directory = freshDirectory();
  const { complete, summary, subnet } = await search(tinyNetwork(), tinyDataset, { ...short, directory });
  t.true(complete);
  t.deepEqual(readdirSync(directory).toSorted(), [
    'checkpoints',
    'config.json',
    'metrics.jsonl',
    'sub.onnx',
    'summary.json',
    'super.onnx',
  ]);
  t.deepEqual(readdirSync(join(directory, 'checkpoints')).toSorted(), [
    'last.safetensors',
    'selection.safetensors',
  ]);
  const written = readJson(join(directory, 'summary.json')) as Summary;
  t.deepEqual(written, summary);
  t.is(written.supernet.params, countParameters(tinyNetwork()));
  t.is(written.subnet.params, countParameters((subnet ?? t.fail()).graph));
  t.true(written.subnet.params < written.supernet.params);
  t.true(written.subnet.macs < written.supernet.macs);
  t.is(written.erased.length, 2);
  t.true(written.relativeDifference <= 1e-4);
  t.is(written.supernet.measured, 'selection');
  const kinds = readMetrics(directory).map(({ kind }) => kind);
  t.deepEqual(
    [kinds.filter((kind) => kind === 'step').length, kinds.filter((kind) => kind === 'epoch').length],
    [36, 3],
  );
});

test('both files give the same outputs in onnxruntime', async (t) => {
  const directory = freshDirectory();
  await search(tinyNetwork(), tinyDataset, { ...short, directory });
  const images = Float32Array.from({ length: 2 * 64 }, (_, index) => Math.sin(index));
  const outputs = await Promise.all(
    ['super.onnx', 'sub.onnx'].map(async (name) => {
      const session = await onnx.InferenceSession.create(join(directory, name));
      const input = session.inputNames[0] as string;
      const results = await session.run({ [input]: new onnx.Tensor('float32', images, [2, 1, 8, 8]) });
      return Object.values(results)[0]?.data as Float32Array;
    }),
  );
  const [whole, cut] = outputs as [Float32Array, Float32Array];
  const largest = Math.max(...whole.map(Math.abs));
  // Float32 sums of at most 36 + 16 products in another order.
  whole.forEach((value, index) => t.true(Math.abs(value - (cut[index] as number)) <= 1e-4 * largest));
});

test('the accuracy of the summary is what an independent evaluation finds', async (t) => {
  const { summary, subnet } = await search(tinyNetwork(), tinyDataset, short);
  const { graph, weights } = subnet ?? t.fail();
  // Another batch size: the rest of the last batch is padding and must not count.
  const { accuracy, images } = await evaluate(graph, weights, tinyDataset, { batch: 7, threads: 1 });
  t.is(images, 40);
  t.is(summary?.subnet.accuracy, accuracy);
});

test('a network is evaluated without any option', async (t) => {
  const graph = tinyNetwork();
  const weights = initialWeights(graph, 0);
  const given = await evaluate(graph, weights, tinyDataset, { batch: 7, device: 'cpu', threads: 1 });
  t.deepEqual(await evaluate(graph, weights, tinyDataset), given);
});

test('without target both networks are the same', async (t) => {
  const { summary } = await search(tinyNetwork(), tinyDataset, { ...short, target: null });
  t.deepEqual(summary?.erased, []);
  t.is(summary?.supernet.measured, 'end');
  t.is(summary?.subnet.params, summary?.supernet.params);
  t.is(summary?.subnet.accuracy, summary?.supernet.accuracy);
});

test('a stopped run leaves what it needs to go on, and ends as if never stopped', async (t) => {
  const directory = freshDirectory();
  const stop = new AbortController();
  const stopped = await search(tinyNetwork(), tinyDataset, {
    ...short,
    directory,
    stop: stop.signal,
    onProgress: ({ step }) => {
      if (step === 15) stop.abort();
    },
  });
  t.false(stopped.complete);
  t.is(stopped.summary, null);
  t.false(existsSync(join(directory, 'summary.json')));
  t.true(existsSync(join(directory, 'super.onnx')));

  const resumed = await search(tinyNetwork(), tinyDataset, { ...short, directory, resume: true });
  const whole = await search(tinyNetwork(), tinyDataset, short);
  t.deepEqual(resumed.subnet?.weights, whole.subnet?.weights);
  t.deepEqual({ ...resumed.summary, seconds: 0 }, { ...whole.summary, seconds: 0 });
  const steps = readMetrics(directory)
    .filter(({ kind }) => kind === 'step')
    .map(({ step }) => step);
  t.deepEqual(
    steps,
    Array.from({ length: 36 }, (_, index) => index + 1),
  );
});

test('a run that was killed goes on from its last checkpoint, half a line of metrics forgotten', async (t) => {
  const directory = freshDirectory();
  const killed = new Error('killed');
  const dying = search(tinyNetwork(), tinyDataset, {
    ...short,
    directory,
    onProgress: ({ step }) => {
      if (step === 15) throw killed;
    },
  });
  t.is(await t.throwsAsync(dying), killed);
  writeFileSync(join(directory, 'metrics.jsonl'), '{"kind":"step","st', { flag: 'a' });
  const resumed = await search(tinyNetwork(), tinyDataset, { ...short, directory, resume: true });
  t.deepEqual(resumed.subnet?.weights, (await search(tinyNetwork(), tinyDataset, short)).subnet?.weights);
});

test('a folder that holds another run is refused and left as it was', async (t) => {
  const directory = freshDirectory();
  await search(tinyNetwork(), tinyDataset, { ...short, steps: 2, directory });
  const before = readFileSync(join(directory, 'metrics.jsonl'), 'utf8');
  const error = await t.throwsAsync(search(tinyNetwork(), tinyDataset, { ...short, directory }), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_RUN');
  t.true(error.message.includes(directory));
  t.is(readFileSync(join(directory, 'metrics.jsonl'), 'utf8'), before);
});

test('a path that cannot be a folder is refused', async (t) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const error = await t.throwsAsync(search(tinyNetwork(), tinyDataset, { ...short, directory: file }), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_RUN');
  t.regex(error.message, /cannot make the folder/);
});

test('to resume takes a directory', async (t) => {
  const error = await t.throwsAsync(search(tinyNetwork(), tinyDataset, { ...short, resume: true }), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_OPTION');
});

test('a run does not go on with other options, another network or without a run', async (t) => {
  const directory = freshDirectory();
  await search(tinyNetwork(), tinyDataset, { ...short, steps: 2, directory });
  const resume = async (options: SearchOptions, width = 4, where = directory): Promise<string> => {
    const going = search(tinyNetwork(width), tinyDataset, {
      ...short,
      steps: 2,
      directory: where,
      resume: true,
      ...options,
    });
    const error = await t.throwsAsync(going, { instanceOf: HalfspaceError });
    t.is(error.code, 'ERR_RUN');
    return error.message;
  };
  t.regex(await resume({ seed: 7 }), /cannot resume, 'seed' was 0 when the run was begun and is 7 now/);
  t.regex(await resume({}, 6), /cannot resume, 'network' was/);
  t.regex(await resume({}, 4, freshDirectory()), /holds no run/);
});

/** The error of a run whose learning rate leaps in step `leap` of 36, 12 an epoch. */
async function divergence(
  t: ExecutionContext,
  leap: number,
  options: SearchOptions,
  factor = 1e30,
): Promise<string> {
  const milestones = [(leap - 1.5) / 36];
  const schedule = { kind: 'step', rate: 0.01, warmup: 0, milestones, factor } as const;
  const error = await t.throwsAsync(search(tinyNetwork(), tinyDataset, { ...short, schedule, ...options }), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_DIVERGED');
  return error.message;
}

test('after divergence the last checkpoint is still there', async (t) => {
  const directory = freshDirectory();
  const message = await divergence(t, 18, { target: null, directory });
  const file = join(directory, 'checkpoints', 'last.safetensors');
  t.true(message.startsWith('training diverged in step 19 of 36'), message);
  t.true(message.endsWith(`the checkpoint ${file} remains`), message);
  t.is((await readCheckpoint(file)).position.step, 12);
});

test("a divergence in an epoch's last step does not replace the last good checkpoint", async (t) => {
  const directory = freshDirectory();
  const message = await divergence(t, 24, { target: null, directory });
  t.true(message.startsWith('training diverged on the test images, after step 24 of 36'), message);
  const file = join(directory, 'checkpoints', 'last.safetensors');
  t.is((await readCheckpoint(file)).position.step, 12);
});

test('a run stopped in the very step that breaks the weights keeps the last good checkpoint', async (t) => {
  const directory = freshDirectory();
  const stop = new AbortController();
  const onProgress: SearchOptions['onProgress'] = ({ step }) => {
    if (step === 18) stop.abort();
  };
  // Beyond float32, so that this very step makes the weights infinite.
  const message = await divergence(t, 18, { target: null, directory, stop: stop.signal, onProgress }, 1e42);
  const file = join(directory, 'checkpoints', 'last.safetensors');
  t.regex(
    message,
    /^training diverged in step 18: element \d+ of '.+' or of its optimizer state is -?(NaN|Inf)/,
  );
  t.true(message.endsWith(`the checkpoint ${file} remains`), message);
  t.is((await readCheckpoint(file)).position.step, 12);
  t.false(existsSync(join(directory, 'super.onnx')));
});

test('a divergence before the first checkpoint says that there is none', async (t) => {
  const directory = freshDirectory();
  const message = await divergence(t, 6, { warmup: 1 / 6, directory });
  t.true(message.startsWith('training diverged at selection, after step 6 of 36'), message);
  t.true(message.endsWith('there is no checkpoint'), message);
  t.deepEqual(readdirSync(join(directory, 'checkpoints')), []);
});

test('a target beyond reach is refused before anything is written', async (t) => {
  const directory = freshDirectory();
  const error = await t.throwsAsync(
    search(tinyNetwork(), tinyDataset, { ...short, directory, target: { kind: 'count', count: 9 } }),
    { instanceOf: HalfspaceError },
  );
  t.is(error.code, 'ERR_TARGET');
  t.regex(error.message, /4/);
  t.false(existsSync(join(directory, 'config.json')));
});
