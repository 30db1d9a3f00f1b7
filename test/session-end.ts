// Run by teardown.test.ts: a long program runs while this process ends in the way that it is told.

import { Session } from '../lib/train/session.js';
import { LONG_INPUT, longProgram } from './small-network.js';

const ways: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(7),
  exception: () => {
    throw new Error('nobody catches this');
  },
  rejection: () => void Promise.reject(new Error('nobody handles this')),
  terminate: () => process.kill(process.pid, 'SIGTERM'),
  handled: () => {
    process.once('SIGTERM', () => process.exit(9));
    process.kill(process.pid, 'SIGTERM');
  },
};

const session = await Session.open(longProgram(2000));
void session.run('work', { image: new Float32Array(LONG_INPUT) });
setTimeout(() => {
  console.log('leaving');
  ways[process.argv[2] as string]?.();
}, 30);
