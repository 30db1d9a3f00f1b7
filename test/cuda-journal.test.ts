// How the CUDA engine goes about its work, by the journal that the emulation keeps: the step is one graph
// that is replayed, input travels on a stream of its own, and algorithms are searched for once in a life. And
// that the emulation finds it where a wait is missing between these streams.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { folders } from './cli-process.js';
import { emulatedTest } from './cuda-device.js';

const fresh = folders();

interface Journal {
  readonly lines: readonly string[];
  /** Of the steps. */
  readonly losses: readonly string[];
  readonly stderr: string;
}

/** Runs the training steps of cuda-steps.ts. */
const runSteps = (env: NodeJS.ProcessEnv) =>
  promisify(execFile)(
    process.execPath,
    ['--import=tsx', fileURLToPath(new URL('cuda-steps.ts', import.meta.url))],
    { env: { ...process.env, ...env } },
  );

/** Runs them with `cache` as the cache directory of the user. */
async function journalOf(cache: string, env: NodeJS.ProcessEnv = {}): Promise<Journal> {
  const journal = join(fresh(), 'journal');
  const { stdout, stderr } = await runSteps({
    XDG_CACHE_HOME: cache,
    HALFSPACE_EMULATED_CUDA_JOURNAL: journal,
    ...env,
  });
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
  return { lines, losses: stdout.trimEnd().split('\n'), stderr };
}

const STEPS = 8;

/** Copies of a step's input: images, labels and the hyperparameters. */
const COPIES = 3;

/** Of these, images and labels are sent ahead. */
const AHEAD = 2;

/** Each of the two pairs of buffers runs once without a graph and is captured in its second run. */
const BUFFERS = 2;

const matching = ({ lines }: Journal, pattern: RegExp): readonly string[] =>
  lines.filter((line) => pattern.test(line));

/** The one stream of all these lines. */
function streamOf(t: ExecutionContext, lines: readonly string[]): string {
  const streams = new Set(lines.map((line) => line.split(' ')[1]));
  t.is(streams.size, 1);
  return [...streams][0] as string;
}

emulatedTest('a training step is captured once for each of two buffers and then replayed', async (t) => {
  const journal = await journalOf(fresh());
  const replays = matching(journal, /^replay/);
  t.is(replays.length, STEPS - BUFFERS);
  const captured = matching(journal, /^capture/).length;
  const stream = streamOf(t, replays);
  const lastReplay = journal.lines.lastIndexOf(replays.at(-1) as string);
  const firstReplay = journal.lines.indexOf(replays[0] as string);
  // Kernels and products outside of the graphs are those of the first runs, as many as in the captures.
  const queued = matching(journal, new RegExp(`^queue ${stream} (?!cudaMemcpyAsync)`));
  t.is(queued.length, captured);
  t.true(captured > 0);
  const later = journal.lines.slice(firstReplay, lastReplay);
  t.true(later.every((line) => !line.startsWith('queue') || line.endsWith('cudaMemcpyAsync')));
});

emulatedTest('input travels on a stream of its own, which each step waits for', async (t) => {
  const journal = await journalOf(fresh());
  const compute = streamOf(t, matching(journal, /^replay/));
  // Before the first step waits, parameters and tables travel too.
  const [first] = matching(journal, /^wait/);
  const lines = journal.lines.slice(journal.lines.indexOf(first as string));
  const copies = matching({ ...journal, lines }, new RegExp(`^queue (?!${compute} )\\d+ cudaMemcpyAsync$`));
  // And those of the step after the last, which set out and are not run. Those of the second step may set out before
  // the thread that runs the first has come to wait.
  const behind = COPIES * (STEPS - 1) + AHEAD;
  t.true([behind, behind - AHEAD].includes(copies.length), `${copies.length} copies`);
  t.not(streamOf(t, copies), compute);
  t.is(matching(journal, new RegExp(`^wait ${compute}$`)).length, STEPS);
});

emulatedTest('algorithms are searched for once and remembered on disk', async (t) => {
  const cache = fresh();
  const first = await journalOf(cache);
  t.true(matching(first, /^search/).length > 0);
  t.true(existsSync(join(cache, 'halfspace', 'cuda-algorithms')));
  const second = await journalOf(cache);
  t.deepEqual(matching(second, /^search/), []);
  t.deepEqual(second.losses, first.losses);
});

emulatedTest('damaged lines among the remembered algorithms are passed over', async (t) => {
  const cache = fresh();
  const first = await journalOf(cache);
  const file = join(cache, 'halfspace', 'cuda-algorithms');
  appendFileSync(file, 'no algorithm\n');
  const second = await journalOf(cache);
  t.regex(second.stderr, /ignored 1 damaged lines of .*cuda-algorithms/);
  t.deepEqual(second.losses, first.losses);
});

emulatedTest('nothing of a session goes through the stream that all threads share', async (t) => {
  const journal = await journalOf(fresh());
  t.deepEqual(matching(journal, /^queue (?!\d)/), []);
});

emulatedTest('a step whose result nobody wrote is found by the step that reads it', async (t) => {
  const run = runSteps({ XDG_CACHE_HOME: fresh(), HALFSPACE_EMULATED_CUDA_FORGET: '3' });
  const { stderr } = await run.catch((error: Error & { readonly stderr: string }) => error);
  t.regex(stderr, /^emulated CUDA: .*never written/m);
});

/** Largest difference between the losses of two runs of the same steps. */
const apart = (a: Journal, b: Journal): number =>
  Math.max(...a.losses.map((loss, step) => Math.abs(Number(loss) - Number(b.losses[step]))));

for (const [what, offer] of [
  ['whose sums have a fixed order', '1'],
  ['at all', '2'],
] as const) {
  emulatedTest(`where cuDNN has no algorithm ${what}, our own convolutions train alike`, async (t) => {
    const [cache, env] = [fresh(), { HALFSPACE_EMULATED_CUDA_OFFER: offer }];
    const own = await journalOf(cache, env);
    t.deepEqual(matching(own, /cudnnConvolution/), []);
    t.true(matching(own, /^search/).length > 0);
    const again = await journalOf(cache, env);
    t.deepEqual(matching(again, /^search/), []);
    t.deepEqual(again.losses, own.losses);
    // One side rounds factors to TF32, 2^-11 of themselves, in eight steps one after another.
    t.true(apart(own, await journalOf(fresh())) < 0.01);
  });
}

for (const [whose, forgotten] of [
  ['a step', '1'],
  ['the host', '2'],
] as const) {
  emulatedTest(`the emulation finds it where ${whose} does not wait for copies`, async (t) => {
    const run = runSteps({ XDG_CACHE_HOME: fresh(), HALFSPACE_EMULATED_CUDA_FORGET: forgotten });
    const { stderr } = await run.catch((error: Error & { readonly stderr: string }) => error);
    // A copy that nobody waited for is caught by what reads its target, or by what next changes its source.
    t.regex(stderr, /^emulated CUDA: .*(another stream's work|the host changed the pinned source)/m);
  });
}
