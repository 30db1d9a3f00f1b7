// Several sessions on one GPU at a time: what one does to the whole device leaves the others alone.

import { setTimeout } from 'node:timers/promises';

import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import { f32 } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';
import { cudaTest } from './cuda-device.js';

/** So many that their capture takes a while. */
const STEPS = 5000;

const ROUNDS = 8;

/** Entry `count` adds x to its input, STEPS times. */
function openCount(device: string): Promise<Session> {
  const x = tensor('x', f32([4]), { kind: 'input' });
  const sums = Array.from({ length: STEPS }, (_, index) =>
    tensor(`sum ${index}`, f32([4]), { kind: index === STEPS - 1 ? 'output' : 'temporary' }),
  );
  const steps = sums.map((sum, index) => ({
    kernel: 'sum',
    inputs: [x, sums[index - 1] ?? x],
    outputs: [sum],
    attrs: {},
    label: `add ${index}`,
  }));
  return Session.open(
    assemble(device, [], [{ name: 'count', inputs: [x], outputs: [sums.at(-1) ?? x], steps }]),
  );
}

const x = new Float32Array([0, 1, 2, 3]);
const counted = x.map((value) => value * (STEPS + 1));

cudaTest('sessions end while a step of another is captured', async (t, device) => {
  let last = await openCount(device);
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = await openCount(device);
    await next.run('count', { x });
    // The second run is captured.
    const captured = next.run('count', { x });
    await setTimeout(5 * round);
    last.dispose();
    t.deepEqual(await captured, { [`sum ${STEPS - 1}`]: counted });
    last = next;
  }
  last.dispose();
});
