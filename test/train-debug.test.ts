// What HALFSPACE_DEBUG shows of a run. Written to stderr by a process of its own, as users see it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';

const program = `
  import { search } from './lib/train/search.ts';
  import { tinyDataset, tinyNetwork } from './test/training-fixtures.ts';
  await search(tinyNetwork(), tinyDataset, {
    target: { kind: 'count', count: 1 }, steps: 6, batch: 8, threads: 1, ablation: { batches: 1, losses: 4 },
  });
`;

async function shown(level: number): Promise<string> {
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { env: { ...process.env, HALFSPACE_DEBUG: String(level) }, maxBuffer: 2 ** 26 },
  );
  return stderr;
}

test('level 0 shows nothing', async (t) => {
  t.notRegex(await shown(0), /ms$|^segment|"kind"/m);
});

test('level 1 shows what each kernel and each phase took, and nothing else', async (t) => {
  const text = await shown(1);
  for (const phase of ['warm-up', 'selection', 'window', 'erasure', 'frozen', 'test']) {
    t.is(text.match(new RegExp(`^phase ${phase}: [\\d.]+ ms$`, 'gm'))?.length, 1, phase);
  }
  t.regex(text, /^kernels of infer on cpu, 1 thread, [\d.]+ ms\n {2}kernel +calls +ms +share\n {2}conv/m);
  const [, training = ''] = /^kernels of train, .*\n {2}kernel .*\n((?: {2}.*\n)+)/m.exec(text) ?? [];
  const rows = training.trimEnd().split('\n');
  for (const row of rows) t.regex(row, /^ {2}\w+ +\d+ +[\d.]+ +[\d.]+ %$/);
  t.is(new Set(rows.map((row) => row.length)).size, 1, 'the columns end below each other');
  t.notRegex(text, /^segment|"kind"/m);
});

test('level 2 adds the search space', async (t) => {
  t.regex(await shown(2), /^segment 0 \[.*\n(.*\n)*group 0 = segment .*\n(.*\n)*phase warm-up/m);
});

test('level 5 adds a line of each step', async (t) => {
  const steps = (await shown(5)).split('\n').filter((line) => line.startsWith('{"kind":"step"'));
  t.deepEqual(
    steps.map((line) => (JSON.parse(line) as { step: number }).step),
    [1, 2, 3, 4, 5, 6],
  );
});
