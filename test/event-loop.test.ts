// The event loop during a whole search: training, selection, erasure, construction and files. In a file of
// its own, since tests beside it would hold up the loop that it watches.
//
// Synchronous are compiling a network and reading or writing its arenas; these are counted.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { compileTraining } from '../lib/compile/training.js';
import { buildModel } from '../lib/models/index.js';
import { search } from '../lib/train/search.js';
import { Session } from '../lib/train/session.js';
import { added, loopDelay } from './loop-delay.js';
import { tinyDataset, tinyNetwork } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-'));
test.after.always(() => rmSync(folder, { recursive: true }));

let runs = 0;

async function searchOnce(): Promise<void> {
  const { complete } = await search(tinyNetwork(64), tinyDataset, {
    target: { kind: 'count', count: 2 },
    steps: 60,
    batch: 32,
    learningRate: 0.05,
    threads: 1,
    directory: join(folder, `run-${(runs += 1)}`),
  });
  if (!complete) throw new Error('the search ended early');
}

test.serial('99 % of the delays of the event loop during a search are below 10 ms', async (t) => {
  const delay = await loopDelay(searchOnce);
  t.log(`99 % below ${delay.busy.toFixed(1)} ms, ${delay.idle.toFixed(1)} ms of an idle loop`);
  t.true(added(delay) < 10, JSON.stringify(delay));
});

/** The longest time, as a share of the whole, that the event loop did not turn while `work` went on. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  let [turned, longest] = [start, 0];
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - turned);
    turned = now;
  };
  const timer = setInterval(turn, 1);
  await work();
  turn();
  clearInterval(timer);
  return longest / (turned - start);
}

// Of opening, the loop encodes the program, a fifth of the whole; decoding, planning and kernels are the worker's.
test.serial('the event loop turns while a session opens', async (t) => {
  const { program } = compileTraining(buildModel('darts-8'), { batch: 8, rule: 'sgd', groups: [] });
  const holds: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    holds.push(await longestHold(async () => (await Session.open(program, { threads: 1 })).dispose()));
  }
  t.log(`shares of ${holds.map((hold) => hold.toFixed(2)).join(', ')}`);
  t.true(Math.min(...holds) < 0.5, `shares of ${holds.join(', ')}`);
});
