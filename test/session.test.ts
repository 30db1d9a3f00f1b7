// A session from the outside: values, order, several at once, abort, disposal, and that the event loop
// and the process survive everything.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import test from 'ava';

import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import type { Program } from '../lib/compile/program.js';
import { random } from '../lib/random.js';
import { f32 } from '../lib/shape.js';
import { native } from '../lib/train/native.js';
import { Session } from '../lib/train/session.js';
import { added, loopDelay } from './loop-delay.js';
import { LONG_INPUT, longProgram, SMALL_PARAMETERS, smallProgram, smallScores } from './small-network.js';

const uniform = (length: number, seed: number): Float32Array => {
  const stream = random(seed);
  return Float32Array.from({ length }, () => 2 * stream.uniform() - 1);
};
const images = uniform(2 * 3 * 36, 1);
const parameters = uniform(SMALL_PARAMETERS, 2);

async function openSmall(): Promise<Session> {
  const session = await Session.open(smallProgram());
  session.write('parameters', parameters);
  return session;
}

/** `a` holds whatever is added to it: entry `add` adds the input x and gives the sum. */
function counterProgram(): Program {
  const x = tensor('x', f32([4]), { kind: 'input' });
  const total = tensor('total', f32([4]), { kind: 'arena', arena: 0, offset: 0 });
  const seen = tensor('seen', f32([4]), { kind: 'output' });
  const steps = [
    { kernel: 'sum', inputs: [total, x], outputs: [total], attrs: {}, label: 'add' },
    { kernel: 'reshape', inputs: [total], outputs: [seen], attrs: {}, label: 'look' },
  ];
  return assemble(
    'cpu',
    [{ name: 'a', dtype: 'f32', length: 4 }],
    [{ name: 'add', inputs: [x], outputs: [seen], steps }],
  );
}

test('a small network gives what plain loops give', async (t) => {
  using session = await openSmall();
  const { scores } = await session.run('forward', { images });
  const expected = smallScores(images, parameters);
  t.is(scores?.length, expected.length);
  // Sums of 180 float32 products of magnitude 1 and less: 180 * 2^-24 is 1e-5.
  expected.forEach((value, i) => t.true(Math.abs((scores?.[i] ?? NaN) - value) < 1e-5, `score ${i}`));
});

test('the same run gives the same bits', async (t) => {
  using session = await openSmall();
  const first = await session.run('forward', { images });
  const second = await session.run('forward', { images });
  t.deepEqual(first, second);
});

test('inputs are copied before run returns, so the caller may change them at once', async (t) => {
  using session = await openSmall();
  const mine = images.slice();
  const pending = session.run('forward', { images: mine });
  mine.fill(NaN);
  t.deepEqual(await pending, await session.run('forward', { images }));
});

test('an input whose buffer is transferred away during a run does no harm', async (t) => {
  using session = await openSmall();
  const mine = images.slice();
  const pending = session.run('forward', { images: mine });
  structuredClone(mine, { transfer: [mine.buffer] });
  t.deepEqual(await pending, await session.run('forward', { images }));
});

test('shared memory is taken as an input', async (t) => {
  using session = await openSmall();
  const shared = new Float32Array(new SharedArrayBuffer(images.byteLength));
  shared.set(images);
  t.deepEqual(await session.run('forward', { images: shared }), await session.run('forward', { images }));
});

test('runs happen in the order of the calls', async (t) => {
  using session = await Session.open(counterProgram());
  const runs = [1, 10, 100].map((x) => session.run('add', { x: new Float32Array(4).fill(x) }));
  const totals = (await Promise.all(runs)).map(({ seen }) => seen?.[0]);
  t.deepEqual(totals, [1, 11, 111]);
});

test('reading and writing an arena waits for the runs before it', async (t) => {
  using session = await Session.open(counterProgram());
  const pending = session.run('add', { x: new Float32Array(4).fill(2) });
  t.deepEqual([...session.read('a')], [2, 2, 2, 2]);
  session.write('a', Float32Array.of(5, 6), 1);
  t.deepEqual([...session.read('a', 1, 2)], [5, 6]);
  t.deepEqual([...((await pending)['seen'] ?? [])], [2, 2, 2, 2]);
});

test('several sessions work at the same time and do not disturb each other', async (t) => {
  const sessions = await Promise.all(Array.from({ length: 4 }, openSmall));
  const runs = sessions.flatMap((s) => Array.from({ length: 25 }, () => s.run('forward', { images })));
  const [first, ...others] = await Promise.all(runs);
  for (const other of others) t.deepEqual(other, first);
  for (const session of sessions) session.dispose();
});

// Serial: what the other tests do on the loop takes it a while.
test.serial('the event loop stays free while a program runs', async (t) => {
  using session = await Session.open(longProgram(200), { threads: 1 });
  const image = uniform(LONG_INPUT, 4);
  const delay = await loopDelay(() => session.run('work', { image }));
  t.true(added(delay) < 10, JSON.stringify(delay));
});

test('an abort ends a run between two steps, with the reason of the signal', async (t) => {
  using session = await Session.open(longProgram(2000));
  const image = new Float32Array(LONG_INPUT);
  const controller = new AbortController();
  const pending = session.run('work', { image }, { signal: controller.signal });
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 1);
  t.is(await t.throwsAsync(pending), reason);
  await t.notThrowsAsync(session.run('work', { image }));
});

test('a signal that is aborted already starts nothing', async (t) => {
  using session = await openSmall();
  const error = await session.run('forward', { images }, { signal: AbortSignal.abort() }).catch(String);
  t.is(error, 'AbortError: This operation was aborted');
});

test('an abort after the end changes nothing', async (t) => {
  using session = await openSmall();
  const controller = new AbortController();
  await session.run('forward', { images }, { signal: controller.signal });
  controller.abort();
  await t.notThrowsAsync(session.run('forward', { images }));
});

test('disposing waits for the runs under way and then refuses more', async (t) => {
  const session = await openSmall();
  const pending = session.run('forward', { images });
  session.dispose();
  session.dispose();
  t.is((await pending)['scores']?.length, 8);
  const expected = { code: 'ERR_DISPOSED' };
  await t.throwsAsync(session.run('forward', { images }), expected);
  t.throws(() => session.read('parameters'), expected);
  t.throws(() => session.write('parameters', parameters), expected);
  t.throws(() => session.describe(), expected);
});

test('a wrong input is refused by its name', async (t) => {
  using session = await openSmall();
  const refuses = (inputs: Record<string, Float32Array | Int32Array>, code: string, message: RegExp) =>
    t.throwsAsync(session.run('forward', inputs), { code, message });
  await refuses({}, 'ERR_OPTION', /entry 'forward': input 'images' is missing/);
  await refuses({ images, other: images }, 'ERR_OPTION', /has no input 'other'; it takes 'images'/);
  await refuses({ images: images.slice(1) }, 'ERR_SHAPE', /'images' is f32\[2,3,6,6\].* 216 .* 215 arrived/);
  await refuses({ images: new Int32Array(216) }, 'ERR_SHAPE', /must be a Float32Array, a Int32Array arrived/);
});

test('the CPU has no use for inputs ahead of their run, which has to be given all', async (t) => {
  using session = await openSmall();
  t.false(session.stage('forward', { images }));
  await t.throwsAsync(session.run('forward'), { code: 'ERR_OPTION', message: /'images' is missing/ });
  t.throws(() => session.stage('forward', { image: images }), { code: 'ERR_OPTION', message: /'image'/ });
});

test('unknown entries and arenas are refused by their name', async (t) => {
  using session = await openSmall();
  await t.throwsAsync(session.run('backward', {}), { code: 'ERR_OPTION', message: /'backward'.*'forward'/ });
  t.throws(() => session.read('state'), { code: 'ERR_OPTION', message: /'state'.*'parameters'/ });
});

test('an arena is not read or written beyond its end', async (t) => {
  using session = await openSmall();
  const beyond = { code: 'ERR_SHAPE' };
  t.throws(() => session.read('parameters', SMALL_PARAMETERS - 1, 2), beyond);
  t.throws(() => session.read('parameters', -1, 1), beyond);
  t.throws(() => session.read('parameters', 0.5, 1), beyond);
  t.throws(() => session.write('parameters', parameters, 1), beyond);
});

test('a kernel that does not exist is named', async (t) => {
  const program = smallProgram();
  const entries = program.entries.map((entry) => ({
    ...entry,
    steps: entry.steps.map((step) => ({ ...step, kernel: 'convolve' })),
  }));
  await t.throwsAsync(Session.open({ ...program, entries }), {
    code: 'ERR_UNSUPPORTED',
    message: /convolve 'conv'/,
  });
});

test('a step that does not fit is named with its shapes', async (t) => {
  const program = smallProgram();
  const tensors = program.tensors.map((x) => (x.name === 'maps' ? { ...x, shape: [2, 6, 6, 6] } : x));
  await t.throwsAsync(Session.open({ ...program, tensors }), {
    code: 'ERR_SHAPE',
    message: /conv 'conv' \(f32\[2,3,6,6\].*\[2,6,6,6\]/,
  });
});

test('a tensor of more axes than there is room for is named', async (t) => {
  const program = smallProgram();
  const shape = [1, 1, 1, 1, 1, 2, 6, 6, 6];
  const tensors = program.tensors.map((x) => (x.name === 'maps' ? { ...x, shape } : x));
  await t.throwsAsync(Session.open({ ...program, tensors }), {
    code: 'ERR_UNSUPPORTED',
    message: "'maps' has rank 9, at most 8 is possible",
  });
});

test('a device that this build lacks is named', async (t) => {
  await t.throwsAsync(Session.open({ ...smallProgram(), device: 'tpu' }), {
    code: 'ERR_UNSUPPORTED',
    message: /tpu/,
  });
});

test('a session tells what planning did and, when tracing, what each kernel cost', async (t) => {
  using session = await Session.open(smallProgram(), { threads: 1, trace: true });
  await session.run('forward', { images });
  const { threads, bytes, entries, kernels } = session.describe();
  t.is(threads, 1);
  t.true(bytes >= 4 * SMALL_PARAMETERS);
  t.deepEqual(
    entries.map(({ name, steps, reorders }) => ({ name, steps, reorders })),
    [{ name: 'forward', steps: 3, reorders: 0 }],
  );
  t.deepEqual(Object.keys(kernels).toSorted(), ['conv', 'linear', 'prepare', 'reshape']);
  t.is(kernels['conv']?.calls, 1);
});

test('temporaries that are never alive together share memory', async (t) => {
  using session = await Session.open(longProgram(10));
  const [entry] = session.describe().entries;
  t.is(entry?.temporaryBytes, 2 * 4 * LONG_INPUT);
});

/** Runs a script of this folder in a process of its own and returns what it prints. */
async function script(name: string): Promise<string> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const register = new URL('register.mjs', import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', register, path]);
  return stdout.trim();
}

test('workers that are terminated in the middle of a run leave the process unharmed', async (t) => {
  t.is(await script('session-churn.ts'), '20 workers came and went');
});

test('a process that exits in the middle of a run ends at once and cleanly', async (t) => {
  t.is(await script('session-exit.ts'), 'leaving');
});

test('the CPU refuses tf32 and says what it has', async (t) => {
  await t.throwsAsync(Session.open(smallProgram(), { precision: 'tf32' }), {
    code: 'ERR_UNSUPPORTED',
    message: "device 'cpu' has no tf32; it computes in fp32, or in bf16 where oneDNN has that",
  });
});

test('the CPU multiplies in bf16 where oneDNN does, and says elsewhere what that takes', async (t) => {
  const opened = Session.open(smallProgram(), { precision: 'bf16' });
  const { bf16, library, instructions } = native().engine();
  if (!bf16) {
    await t.throwsAsync(opened, {
      code: 'ERR_UNSUPPORTED',
      message: `device 'cpu' has no bf16 here: ${library} takes AVX-512 for it and uses ${instructions}; take fp32, or device 'cuda'`,
    });
    return;
  }
  using session = await opened;
  session.write('parameters', parameters);
  const { scores } = await session.run('forward', { images });
  const expected = smallScores(images, parameters);
  // Two products after another, each of two factors that are rounded by 2^-9 of themselves.
  const magnitude = smallScores(images.map(Math.abs), parameters.map(Math.abs));
  expected.forEach((score, i) => {
    t.true(Math.abs((scores?.[i] ?? NaN) - score) <= 4.1 * 2 ** -9 * (magnitude[i] as number), `score ${i}`);
  });
});
