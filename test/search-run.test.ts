// A search that is under way: followed, stopped, given up.

import { setTimeout } from 'node:timers/promises';

import test from 'ava';

import { search, type Progress, type SearchOptions } from '../lib/index.js';
import { gathered, tinyDataset, tinyNetwork } from './training-fixtures.js';

const short: SearchOptions = {
  target: { kind: 'count', count: 2 },
  epochs: 3,
  batch: 8,
  learningRate: 0.05,
  threads: 1,
};

const begin = (options: SearchOptions = {}) => search(tinyNetwork(), tinyDataset, { ...short, ...options });

test('a run is a promise of its result', async (t) => {
  const { complete, subnet } = await begin();
  t.true(complete);
  t.not(subnet, null);
  t.is(await begin({ steps: 2 }).then(({ complete }) => complete), true);
  t.is(await begin({ batch: 0 }).catch(() => 'refused'), 'refused');
  let finished = false;
  await begin({ steps: 2 }).finally(() => (finished = true));
  t.true(finished);
});

test('whoever iterates sees every event, as onProgress does', async (t) => {
  const told: Progress[] = [];
  const run = begin({ onProgress: (event) => void told.push(event) });
  t.deepEqual(await gathered(run), told);
  t.true((await run).complete);
  t.deepEqual(await gathered(run), [], 'nothing is told after the end');
});

test('a loop that is left, or slow, does not hold up the run', async (t) => {
  const run = begin();
  for await (const event of run) if (event.step === 2) break;
  const slow = begin();
  for await (const event of slow) {
    t.is(event.step, 1);
    t.true((await slow).complete);
    break;
  }
  t.true((await run).complete);
});

test('a loop over a run that fails throws its error, and nothing else does', async (t) => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listen);
  const run = begin({ batch: 10_000 });
  await t.throwsAsync(gathered(run), { code: 'ERR_OPTION', message: /batch: expected/ });
  await setTimeout(10);
  process.off('unhandledRejection', listen);
  t.deepEqual(unhandled, []);
});

test('stopped once its groups are zero, a run keeps its sub-network', async (t) => {
  const run = begin();
  for await (const event of run) if (event.kind === 'erasure') run.stop();
  const { complete, supernet, subnet, summary } = await run;
  t.false(complete);
  t.is(summary, null);
  t.true((subnet ?? t.fail()).graph.nodes.length < supernet.graph.nodes.length);
});

test('stopped before, it keeps the super-network', async (t) => {
  const run = begin();
  for await (const event of run) if (event.step === 2) run.stop();
  const { complete, subnet } = await run;
  t.false(complete);
  t.is(subnet, null);
});

test('left by `await using`, it is given up; after its end that does nothing', async (t) => {
  let run: ReturnType<typeof begin>;
  {
    await using left = begin({ epochs: 100 });
    run = left;
    for await (const event of left) if (event.step === 2) break;
  }
  await t.throwsAsync(run, { any: true, name: 'AbortError' });
  const done = begin({ steps: 2 });
  await done;
  await done[Symbol.asyncDispose]();
  t.true((await done).complete);
});

test("a signal of one's own still gives the run up", async (t) => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const run = begin({
    epochs: 100,
    signal: controller.signal,
    onProgress: ({ step }) => {
      if (step === 3) controller.abort(reason);
    },
  });
  t.is(await t.throwsAsync(run), reason);
});
