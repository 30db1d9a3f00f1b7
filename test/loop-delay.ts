// How long work on the event loop holds it up, beside a loop of the same process that has nothing to do
// meanwhile: whatever delays both is the machine's.

import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';

/** Milliseconds that 99 % of the delays of a loop stay below. */
export interface LoopDelay {
  readonly busy: number;
  readonly idle: number;
}

/** Delays of this loop while `work` goes on, and of the idle one. */
async function watched(work: () => Promise<unknown>): Promise<LoopDelay> {
  const worker = new Worker(new URL('idle-loop.ts', import.meta.url));
  await once(worker, 'message');
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await work();
  delays.disable();
  worker.postMessage('enough');
  const [idle] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  if (delays.count < 50) throw new Error('the work was too short to be watched');
  return { busy: delays.percentile(99) / 1e6, idle };
}

/**
 * The attempt of five in which the work added least to the delays. Other programs on the machine delay a loop now
 * and then, and not both alike; work on the loop does so always.
 */
export async function loopDelay(work: () => Promise<unknown>): Promise<LoopDelay> {
  const attempts: LoopDelay[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) attempts.push(await watched(work));
  return attempts.reduce((a, b) => (added(b) < added(a) ? b : a));
}

/** Milliseconds that the work itself adds. */
export const added = ({ busy, idle }: LoopDelay): number => busy - idle;
