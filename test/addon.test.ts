// The addon itself, called as nobody should: whatever arrives, it throws and never crashes. And the
// symbols that a well-behaved addon shows and wants.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';
import fc from 'fast-check';

import { encode, type EncodedProgram } from '../lib/compile/encode.js';
import type { Program } from '../lib/compile/program.js';
import { native, type NativeHandle } from '../lib/train/native.js';
import { longProgram, smallProgram } from './small-network.js';

const require = createRequire(import.meta.url);
const file =
  process.env['HALFSPACE_NATIVE'] ??
  fileURLToPath(new URL('../build/cmake/Release/halfspace.node', import.meta.url));

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

type Loose = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
const addon = native() as unknown as Loose;

const call = (name: string, ...args: readonly unknown[]): unknown => addon[name]?.(...args);
const open = (program: Program): Promise<NativeHandle> => native().open(encode(program), { threads: 1 });

/** What a call threw; the promise of a call that threw nothing is awaited first. */
async function thrown(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
}

const isArgumentError = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError;
const hasCode = (error: unknown): boolean =>
  /^ERR_(SHAPE|DEVICE|UNSUPPORTED|INTERNAL)$/.test(String((error as { code?: unknown }).code));

/** Values of every kind that could arrive where another was meant. */
const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withSparseArray: true }),
  fc.constantFrom(NaN, Infinity, -1, 0.5, 2 ** 53, 2 ** 64, Symbol('s'), () => 1, new Proxy([], {})),
);

test('arguments of any kind are refused with a TypeError or a RangeError', async (t) => {
  const handle = await open(smallProgram());
  const names = ['open', 'stage', 'run', 'abort', 'write', 'read', 'describe', 'close'];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.array(anything, { maxLength: 5 }), async (name, args) => {
      const error = await thrown(() => call(name, ...args));
      return isArgumentError(error);
    }),
    { numRuns: 1000 },
  );
  // The same with a true session in front, where some calls are good ones.
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('stage', 'run', 'abort', 'write', 'read'),
      fc.array(anything, { maxLength: 4 }),
      async (name, args) => {
        const error = await thrown(() => call(name, handle, ...args));
        return error === undefined || isArgumentError(error);
      },
    ),
    { numRuns: 1000 },
  );
  t.notThrows(() => native().close(handle));
});

/** What could arrive in place of one number or text of a program. */
const misfits = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom(2 ** 31, 2 ** 44, 2 ** 52, -(2 ** 53), 2 ** 64, 0.5, NaN, Infinity),
);

const texts = fc.oneof(fc.constantFrom('', 'conv', 'reorder', 'axis', 'cpu'), anything);

/** A good program with one number, one text or its length changed. */
function spoiled({ texts, numbers }: EncodedProgram, at: number, by: unknown): EncodedProgram {
  const [number, text] = [at % numbers.length, at % texts.length];
  if (typeof by === 'number') return { texts, numbers: numbers.with(number, by) };
  if (by === undefined) return { texts, numbers: numbers.slice(0, number) };
  return { texts: texts.with(text, by as string), numbers };
}

test('a program with anything wrong in it is refused or runs, but does not crash', async (t) => {
  const program = encode(smallProgram());
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.oneof(misfits, texts), (place, misfit) =>
      isSurvived(spoiled(program, place, misfit)),
    ),
    { numRuns: 1500 },
  );
  t.pass();
});

test('a program with any of its numbers zero, negative or one off is refused or runs, too', async (t) => {
  const program = encode(smallProgram());
  for (const [place, number] of program.numbers.entries()) {
    for (const misfit of [0, -1, number + 1, number - 1]) {
      t.true(await isSurvived(spoiled(program, place, misfit)), `number ${place} as ${misfit}`);
    }
  }
});

/** Whether opening `program` and running it ends well, or in an error that names its code. */
async function isSurvived(program: EncodedProgram): Promise<boolean> {
  const error = await thrown(async () => {
    const handle = await native().open(program, { threads: 1 });
    try {
      await native().run(handle, 0, [new Float32Array(216)], 1);
    } finally {
      native().close(handle);
    }
  });
  return error === undefined || isArgumentError(error) || hasCode(error);
}

test('a program that ends early, or goes on behind its end, is refused', async (t) => {
  const { texts, numbers } = encode(smallProgram());
  const refused = (broken: Float64Array) =>
    t.throwsAsync(native().open({ texts, numbers: broken }, { threads: 1 }), {
      code: 'ERR_INTERNAL',
      message: /^internal: program: the encoding is broken before number \d+: /,
    });
  for (let length = 0; length < numbers.length; length += 1) await refused(numbers.slice(0, length));
  await refused(Float64Array.of(...numbers, 0));
});

test('an arena larger than any memory is refused', async (t) => {
  const overcommit = readFileSync('/proc/sys/vm/overcommit_memory', 'utf8').trim();
  if (overcommit === '1') return t.pass('skipped: this system grants every request for memory');
  const program = smallProgram();
  const arenas = [{ name: 'parameters', dtype: 'f32' as const, length: 2 ** 43 }];
  await t.throwsAsync(open({ ...program, arenas }), { code: 'ERR_DEVICE', message: /refused \d+ bytes/ });
});

test('a session that is closed while its inputs are being read refuses to run', async (t) => {
  const handle = await open(smallProgram());
  const inputs: Float32Array[] = [];
  Object.defineProperty(inputs, 0, {
    get() {
      native().close(handle);
      return new Float32Array(216);
    },
  });
  t.throws(() => native().run(handle, 0, inputs, 0), { code: 'ERR_DISPOSED' });
});

test('closing in the middle of a run delivers the result', async (t) => {
  const handle = await open(longProgram(4));
  const pending = native().run(handle, 0, [new Float32Array(8 * 32 * 32 * 32)], 0);
  native().close(handle);
  native().close(handle);
  t.is((await pending)[0]?.length, 8 * 32 * 32 * 32);
});

test('the addon loads a second time into the same process', async (t) => {
  delete require.cache[file];
  const second = require(file) as ReturnType<typeof native>;
  const handle = await second.open(encode(smallProgram()), { threads: 1 });
  const [scores] = await second.run(handle, 0, [new Float32Array(216)], 0);
  t.is(scores?.length, 8);
  second.shutdown();
  t.throws(() => second.describe(handle), { code: 'ERR_DISPOSED' });
});

test('a session that is still being opened when the addon shuts down is refused', async (t) => {
  delete require.cache[file];
  const second = require(file) as ReturnType<typeof native>;
  const opening = second.open(encode(smallProgram()), { threads: 1 });
  second.shutdown();
  await t.throwsAsync(opening, { code: 'ERR_DISPOSED' });
});

const symbols = (...options: readonly string[]): string[] =>
  execFileSync('nm', ['-D', '--format=just-symbols', ...options, file], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().replace(/@.*/, ''))
    .filter((line) => line !== '');

test('the addon exports its two entry points and nothing else', (t) => {
  t.deepEqual(symbols('--defined-only').toSorted(), [
    'napi_register_module_v1',
    'node_api_module_get_api_version_v1',
  ]);
});

test('the addon uses stable Node-API functions alone, and no external buffers', (t) => {
  const headers = require('node-api-headers') as {
    symbols: Record<string, { js_native_api_symbols: string[]; node_api_symbols: string[] }>;
  };
  const { binary } = require('../package.json') as { binary: { napi_versions: [number] } };
  const stable = Object.entries(headers.symbols)
    .filter(([version]) => /^v\d+$/.test(version) && Number(version.slice(1)) <= binary.napi_versions[0])
    .flatMap(([, { js_native_api_symbols: js, node_api_symbols: node }]) => [...js, ...node]);
  const wanted = symbols('--undefined-only');
  const used = wanted.filter((name) => /^n(ode_)?api_/.test(name));
  t.true(used.length > 20);
  t.deepEqual(
    used.filter((name) => !stable.includes(name)),
    [],
  );
  t.deepEqual(
    wanted.filter((name) => /^uv_|^_ZN2v8|^_ZN4node|external_(array)?buffer/.test(name)),
    [],
  );
});

test('the addon is never unloaded, and looks for its libraries beside itself first', (t) => {
  const dynamic = execFileSync('readelf', ['-d', file], { encoding: 'utf8' });
  t.regex(dynamic, /FLAGS_1\).*NODELETE/);
  t.regex(dynamic, /\(RPATH\).*\[\$ORIGIN\]/);
});

test('arenas and temporaries of any size stay out of the heap', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-guard-'));
  const guard = join(folder, 'guard.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', guard, path('allocation-guard.c')]);
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, LD_PRELOAD: guard } });
  const caught = run('-e', 'new ArrayBuffer(2 ** 31)');
  t.is(caught.status, 3, 'the guard itself works');
  const { status, stdout, stderr } = run(
    '--import',
    new URL('register.mjs', import.meta.url).href,
    path('session-large.ts'),
  );
  rmSync(folder, { recursive: true });
  t.is(status, 0, stderr);
  t.is(stdout, 'true 1 2\n');
});
