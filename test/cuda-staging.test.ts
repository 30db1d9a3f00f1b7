// Inputs that are sent to a GPU ahead of the run that takes them: which run takes them, and what is refused.

import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import { f32 } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';
import { cudaTest } from './cuda-device.js';

/** Entry `add` gives the sum of its inputs a and b. */
function openSum(device: string): Promise<Session> {
  const [a, b] = [tensor('a', f32([4]), { kind: 'input' }), tensor('b', f32([4]), { kind: 'input' })];
  const sum = tensor('sum', f32([4]), { kind: 'output' });
  const steps = [{ kernel: 'sum', inputs: [a, b], outputs: [sum], attrs: {}, label: 'sum' }];
  return Session.open(assemble(device, [], [{ name: 'add', inputs: [a, b], outputs: [sum], steps }]));
}

const four = (value: number): Float32Array => new Float32Array(4).fill(value);

cudaTest('a run that leaves inputs out takes those that were staged', async (t, device) => {
  using session = await openSum(device);
  t.true(session.stage('add', { a: four(1) }));
  t.deepEqual(await session.run('add', { b: four(2) }), { sum: four(3) });
  // In either order, all of them, and while another run is computed.
  session.stage('add', { b: four(10) });
  const running = session.run('add', { a: four(1) });
  session.stage('add', { a: four(20), b: four(3) });
  t.deepEqual(await running, { sum: four(11) });
  t.deepEqual(await session.run('add'), { sum: four(23) });
});

cudaTest('a run that is given all leaves what was staged to the next', async (t, device) => {
  using session = await openSum(device);
  session.stage('add', { a: four(1) });
  t.deepEqual(await session.run('add', { a: four(5), b: four(5) }), { sum: four(10) });
  t.deepEqual(await session.run('add', { b: four(2) }), { sum: four(3) });
});

cudaTest('staging again replaces what was staged', async (t, device) => {
  using session = await openSum(device);
  session.stage('add', { a: four(1) });
  session.stage('add', { b: four(2) });
  await t.throwsAsync(session.run('add', { b: four(2) }), { code: 'ERR_OPTION', message: /'a' is missing/ });
  t.deepEqual(await session.run('add', { a: four(3) }), { sum: four(5) });
});

cudaTest('staged inputs are taken once, and not given again', async (t, device) => {
  using session = await openSum(device);
  session.stage('add', { a: four(1) });
  await session.run('add', { b: four(2) });
  await t.throwsAsync(session.run('add', { b: four(2) }), { code: 'ERR_OPTION', message: /'a' is missing/ });
  session.stage('add', { a: four(1), b: four(2) });
  await t.throwsAsync(session.run('add', { b: four(2) }), {
    code: 'ERR_SHAPE',
    message: /'b' was staged already/,
  });
});

cudaTest('a session ends with inputs on their way', async (t, device) => {
  const session = await openSum(device);
  session.stage('add', { a: four(1) });
  session.dispose();
  t.throws(() => session.stage('add', { a: four(1) }), { code: 'ERR_DISPOSED' });
});
