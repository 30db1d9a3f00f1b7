// Run by session.test.ts: twenty workers start a long program, each is terminated in the middle of it.

import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { Session } from '../lib/train/session.js';
import { LONG_INPUT, longProgram } from './small-network.js';

async function work(): Promise<void> {
  const session = await Session.open(longProgram(300));
  const run = session.run('work', { image: new Float32Array(LONG_INPUT) });
  parentPort?.postMessage('running');
  await run;
}

async function churn(): Promise<void> {
  const count = 20;
  for (let i = 0; i < count; i += 1) {
    const worker = new Worker(new URL(import.meta.url));
    await once(worker, 'message');
    await worker.terminate();
  }
  console.log(`${count} workers came and went`);
}

await (isMainThread ? churn() : work());
