// Run by loop-delay.ts in a thread of its own: an event loop with nothing to do, which tells by its delays
// what the rest of the machine does to one.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parentPort } from 'node:worker_threads';

const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
parentPort?.postMessage('watching');
parentPort?.once('message', () => parentPort?.postMessage(delays.percentile(99) / 1e6));
