// Run by session.test.ts: leaves the process while a long program runs.

import { Session } from '../lib/train/session.js';
import { LONG_INPUT, longProgram } from './small-network.js';

const session = await Session.open(longProgram(500));
void session.run('work', { image: new Float32Array(LONG_INPUT) });
setTimeout(() => {
  console.log('leaving');
  process.exit(0);
}, 30);
