// Pages of runs: a run directory written by hand, one left by a real run, unfinished and damaged ones. Figures
// on the page are compared with those that were written.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { HalfspaceError } from '../lib/errors.js';
import { stackedUnets } from '../lib/models/index.js';
import { toOnnx } from '../lib/onnx/export.js';
import { reportPage, writeReport } from '../lib/report/run.js';
import { servePage } from '../lib/report/serve.js';
import type { Progress } from '../lib/train/progress.js';
import { search, type Summary } from '../lib/train/search.js';
import { initialWeights } from '../lib/weights.js';
import { boxes, find, references, textOf } from './page-parts.js';
import { openReference, tinyDataset, tinyNetwork } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-report-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const config = {
  dataset: 'bars',
  target: { kind: 'count', count: 2 },
  steps: 12,
  warmup: 0.25,
  window: 0.5,
  score: 'paper',
  optimizer: { rule: 'sgd', momentum: 0.9 },
  augment: ['<b>flip</b>'],
};

const summary: Summary = {
  supernet: { params: 1_250_000, macs: 24_000, accuracy: 0.8125, measured: 'selection' },
  subnet: { params: 500_000, macs: 6_000, accuracy: 0.8 },
  erased: [1, 3],
  maxDifference: 2.5e-7,
  relativeDifference: 1.5e-8,
  seconds: 75,
  seed: 7,
  steps: 12,
  dataset: 'bars',
};

/** Warm-up to step 3, the window to step 6. */
const events: readonly Progress[] = [
  ...[1, 2, 3].map((step) => stepEvent(step, 'warm-up', 0)),
  {
    kind: 'selection',
    step: 3,
    groups: [2, 0],
    segments: [3, 1],
    scores: [0.5, -1, 0.25, 0],
    accuracy: 0.8125,
  },
  ...[4, 5].map((step) => stepEvent(step, 'window', 0)),
  stepEvent(6, 'window', 2),
  {
    kind: 'epoch',
    step: 6,
    epoch: 1,
    trainLoss: 1,
    trainAccuracy: 0.5,
    testLoss: 0.75,
    testAccuracy: 0.625,
    seconds: 40,
  },
  { kind: 'erasure', step: 6, params: 500_000, macs: 6_000 },
  ...[7, 8, 9, 10, 11, 12].map((step) => stepEvent(step, 'frozen', 2)),
  {
    kind: 'epoch',
    step: 12,
    epoch: 2,
    trainLoss: 0.5,
    trainAccuracy: 0.75,
    testLoss: 0.5,
    testAccuracy: 0.8,
    seconds: 75,
  },
];

function stepEvent(step: number, phase: 'warm-up' | 'window' | 'frozen', zeroGroups: number): Progress {
  return {
    kind: 'step',
    step,
    steps: 12,
    epoch: Math.ceil(step / 6),
    epochs: 2,
    loss: 2 / step,
    accuracy: step / 20,
    learningRate: 0.1,
    phase,
    zeroGroups,
    imagesPerSecond: phase === 'frozen' ? 300 : 100,
  };
}

const lines = (list: readonly Progress[]): string =>
  list.map((event) => `${JSON.stringify(event)}\n`).join('');

let runs = 0;

/** A run directory with these files. */
function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = join(folder, `run-${(runs += 1)}`);
  mkdirSync(directory);
  for (const [name, contents] of Object.entries(files)) writeFileSync(join(directory, name), contents);
  return directory;
}

const network = tinyNetwork();
const whole = {
  'config.json': JSON.stringify(config),
  'metrics.jsonl': lines(events),
  'summary.json': JSON.stringify(summary),
  'super.onnx': toOnnx(network, initialWeights(network, 0)),
};

test('a complete run shows what came out', async (t) => {
  const page = await reportPage(write(whole));
  const text = textOf(page);
  t.true(text.includes('complete 12 steps on bars, 1 min 15 s of training, seed 7'));
  for (const figure of [
    '1.25 M',
    '500.0 k',
    '40 % left',
    '24.0 k',
    '6000',
    '25 % left',
    '81.25 %',
    '80.00 %',
  ]) {
    t.true(text.includes(figure), figure);
  }
  t.true(text.includes('−1.25 points'));
  t.true(text.includes('2.5e-7, relative to the largest output 1.5e-8'));
  t.true(text.includes('the moment of selection'));
  t.deepEqual(
    find(page, 'i').flatMap(({ attributes }) => attributes['style'] ?? []),
    ['width:40.0%', 'width:25.0%'],
  );
});

test('curves have the phases and turning points of the run behind them', async (t) => {
  const page = await reportPage(write(whole));
  const charts = find(page, 'figcaption').map(({ text }) => text.trim());
  t.deepEqual(charts, [
    'Loss',
    'Accuracy',
    'Groups at zero',
    'Learning rate',
    'Images a second',
    'Redundancy of each group',
  ]);
  const labels = find(page, 'text').map(({ text }) => text);
  for (const label of ['warm-up', 'window', 'frozen', 'selection', 'rebuilt']) {
    t.is(labels.filter((text) => text === label).length, 5, label);
  }
  // In the first chart, 502 pixels for 12 steps from pixel 48 on.
  const bands = find(page, '.band').slice(0, 3);
  t.deepEqual(
    bands.map(({ attributes }) => [attributes['x'], attributes['width']]),
    [
      ['48', '125.5'],
      ['173.5', '125.5'],
      ['299', '251'],
    ],
  );
  t.is(find(page, '.mark')[0]?.attributes['x1'], '173.5');
  t.is(find(page, '.mark')[1]?.attributes['x1'], '299');
  const readouts = find(page, 'title').map(({ text }) => text);
  t.true(readouts.includes('step 6\ntraining: 0.3333\ntest: 0.75'), 'loss');
  t.true(readouts.includes('step 12\ntraining: 60 %\ntest: 80 %\nsuper-network: 81.25 %'), 'accuracy');
  t.true(readouts.includes('step 6\nzero: 2'));
});

test('every group has a bar, from the most redundant on, and chosen ones stand out', async (t) => {
  const page = await reportPage(write(whole));
  t.deepEqual(
    find(page, '.score').map(({ attributes }) => [attributes['data-group'], attributes['class']]),
    [
      ['0', 'score chosen'],
      ['2', 'score chosen'],
      ['3', 'score'],
      ['1', 'score'],
    ],
  );
  t.true(textOf(page).includes('At step 3, groups 2, 0 were chosen, in this order.'));
});

test('hundreds of erased segments are counted, with the first of them', async (t) => {
  const erased = Array.from({ length: 232 }, (_, index) => 3 * index);
  const page = await reportPage(write({ ...whole, 'summary.json': JSON.stringify({ ...summary, erased }) }));
  t.true(textOf(page).includes('Erased segments: 0, 3, 6, 9, 12, 15, 18, 21, ... (232 in all).'));
});

test('the segment graph shows what was erased, and settings are shown as text', async (t) => {
  const page = await reportPage(write(whole));
  const erased = boxes(page).filter(({ classes }) => classes.includes('erased'));
  t.is(erased.length, 2);
  t.true(erased.every(({ title }) => /erased \(group (0|2)\)/.test(title)));
  t.true(textOf(page).includes('["<b>flip</b>"]'));
  t.false(page.includes('<b>'));
  t.true(
    references(page).every((reference) => /^(data:,|url\(#arrow|http:\/\/www\.w3\.org)/.test(reference)),
  );
});

test('a run that has just begun says so', async (t) => {
  const page = await reportPage(write({ 'config.json': whole['config.json'] }));
  const text = textOf(page);
  t.true(text.includes('not complete'));
  t.true(text.includes('step 0 of 12'));
  t.true(text.includes('Nothing has been measured yet.'));
  t.is(find(page, '.chart').length, 0);
});

test('a run that goes on shows how far it is, even while a line is being written', async (t) => {
  const half = '{"kind":"step","st';
  const page = await reportPage(
    write({ 'config.json': whole['config.json'], 'metrics.jsonl': lines(events.slice(0, 9)) + half }),
  );
  const text = textOf(page);
  t.true(text.includes('step 6 of 12'));
  t.true(text.includes('segments 3, 1'));
  t.true(text.includes('500.0 k'));
  t.true(text.includes('62.50 %'));
  t.true(text.includes('drawn once the run has written super.onnx'));
  t.is(find(page, '.score').length, 4);
});

test('a run of tens of thousands of steps has a page of ordinary size', async (t) => {
  const steps = Array.from({ length: 50_000 }, (_, index) => ({
    ...stepEvent(index + 1, 'frozen', 2),
    steps: 90_000,
  }));
  const long = JSON.stringify({ ...config, steps: 90_000 });
  const page = await reportPage(write({ 'config.json': long, 'metrics.jsonl': lines(steps) }));
  t.true(textOf(page).includes('step 50000 of 90000'));
  t.true(page.length < 1e6, `${page.length} letters`);
});

test('a run without a target has curves without phases', async (t) => {
  const plain = events
    .filter((event) => event.kind === 'step')
    .map((event) => ({ ...event, phase: 'plain' as const }));
  const page = await reportPage(
    write({ 'config.json': JSON.stringify({ ...config, target: null }), 'metrics.jsonl': lines(plain) }),
  );
  t.is(find(page, '.band').length, 0);
  t.is(find(page, 'path').filter(({ attributes }) => attributes['class'] === 'line').length, 5);
  t.is(find(page, '.dot').length, 0);
});

const damaged: readonly (readonly [string, Readonly<Record<string, string | Uint8Array>>, RegExp])[] = [
  ['no run', {}, /holds no run: config\.json is missing/],
  ['a config that is no JSON', { 'config.json': '{' }, /config\.json is missing or damaged/],
  ['a config without steps', { 'config.json': '{"target":null}' }, /config\.json is damaged: steps/],
  [
    'a metrics line that is no JSON',
    { ...whole, 'metrics.jsonl': `${lines(events.slice(0, 2))}oops\n${lines(events.slice(2))}` },
    /metrics\.jsonl, line 3 is damaged/,
  ],
  [
    'a metrics line that is no event',
    { ...whole, 'metrics.jsonl': '{"kind":"stop"}\n' },
    /metrics\.jsonl, line 1 is damaged: kind/,
  ],
  ['a summary with fields missing', { ...whole, 'summary.json': '{}' }, /summary\.json is damaged: supernet/],
  ['a truncated super.onnx', { ...whole, 'super.onnx': whole['super.onnx'].slice(0, 300) }, /super\.onnx: /],
  [
    'a super.onnx of another network',
    {
      ...whole,
      'metrics.jsonl': lines(
        events.map((event) => (event.kind === 'selection' ? { ...event, groups: [9] } : event)),
      ),
    },
    /chose groups 9, but super\.onnx has 4 groups/,
  ],
];

for (const [what, files, message] of damaged) {
  test(`${what} is a clear error`, async (t) => {
    const error = await t.throwsAsync(reportPage(write(files)), { instanceOf: HalfspaceError, message });
    t.is(error.code, 'ERR_RUN');
  });
}

test('a folder that does not exist, and a page that cannot be written, are clear errors', async (t) => {
  const missing = await t.throwsAsync(writeReport(join(folder, 'nowhere')), { instanceOf: HalfspaceError });
  t.is(missing.code, 'ERR_RUN');
  const directory = write(whole);
  mkdirSync(join(directory, 'report.html'));
  const blocked = await t.throwsAsync(writeReport(directory), { instanceOf: HalfspaceError });
  t.is(blocked.code, 'ERR_RUN');
  t.regex(blocked.message, /cannot write .*report\.html/);
});

test('the page of a real run agrees with its summary', async (t) => {
  const directory = join(folder, 'real');
  const { summary: found } = await search(tinyNetwork(), tinyDataset, {
    target: { kind: 'count', count: 2 },
    epochs: 1,
    batch: 16,
    open: openReference,
    directory,
  });
  const page = readFileSync(await writeReport(directory), 'utf8');
  t.deepEqual(
    boxes(page).flatMap(({ id, classes }) => (classes.includes('erased') ? [id] : [])),
    [...(found ?? t.fail()).erased],
  );
  t.true(textOf(page).includes(`${(100 * (found ?? t.fail()).subnet.accuracy).toFixed(2)} %`));
});

test('reading super.onnx back gives the segments that training saw', async (t) => {
  const unets = stackedUnets({ input: [1, 28, 28], classes: 10, width: 4 });
  const selection = {
    kind: 'selection',
    step: 3,
    groups: [0, 5],
    segments: [8, 18],
    scores: [],
    accuracy: 0.5,
  } as const;
  const page = await reportPage(
    write({
      ...whole,
      'super.onnx': toOnnx(unets, initialWeights(unets, 0)),
      'metrics.jsonl': lines([selection]),
    }),
  );
  t.deepEqual(
    boxes(page).flatMap(({ id, classes }) => (classes.includes('erased') ? [id] : [])),
    [8, 18],
  );
});

test('a served page is made anew at every visit, for this machine alone, until it is stopped', async (t) => {
  const stop = new AbortController();
  let visits = 0;
  const makePage = async (): Promise<string> => {
    visits += 1;
    if (visits === 3) throw new Error('the run is gone');
    return `<p>visit ${visits}</p>`;
  };
  t.teardown(() => stop.abort());
  const { url, closed } = await servePage(makePage, stop.signal);
  t.is(new URL(url).hostname, '127.0.0.1');
  t.is(await (await fetch(url)).text(), '<p>visit 1</p>');
  t.is(await (await fetch(url)).text(), '<p>visit 2</p>');
  const failed = await fetch(url);
  t.deepEqual([failed.status, await failed.text()], [500, 'the run is gone\n']);
  t.is((await fetch(`${url}config.json`)).status, 404);
  t.is((await fetch(url, { method: 'POST' })).status, 404);
  t.is(visits, 3);
  stop.abort();
  await closed;
  await t.throwsAsync(fetch(url));
});
