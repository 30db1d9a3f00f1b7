// The event loop during a whole search: training, selection, erasure, construction and files. In a file of
// its own, since tests beside it would hold up the loop that it watches.
//
// Opening a session is synchronous, it plans memory and prepares kernels, and is left out: the monitor
// pauses meanwhile. Synchronous too are compiling a network and reading or writing its arenas; these are
// counted.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import test from 'ava';
import { openNative, type OpenSession } from '../lib/train/device-network.js';
import { search } from '../lib/train/search.js';
import { tinyDataset, tinyNetwork } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-'));
test.after.always(() => rmSync(folder, { recursive: true }));

let runs = 0;

/** 99 % of the delays of the event loop are below this many milliseconds during one search. */
async function delayOfSearch(): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const open: OpenSession = (program) => {
    delays.disable();
    try {
      return openNative(1)(program);
    } finally {
      delays.enable();
    }
  };
  delays.enable();
  const { complete } = await search(tinyNetwork(64), tinyDataset, {
    target: { kind: 'count', count: 2 },
    steps: 60,
    batch: 32,
    learningRate: 0.05,
    directory: join(folder, `run-${(runs += 1)}`),
    open,
  });
  delays.disable();
  if (!complete || delays.count < 100) throw new Error('the search gave too little to measure');
  return delays.percentile(99) / 1e6;
}

test('99 % of the delays of the event loop during a search are below 10 ms', async (t) => {
  // Other programs on the machine delay the loop now and then; work on the loop does so always.
  const delays: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) delays.push(await delayOfSearch());
  t.log(`99 % below ${delays.map((delay) => delay.toFixed(1)).join(', ')} ms`);
  t.true(Math.min(...delays) < 10, `delays of ${delays.join(', ')} ms`);
});
