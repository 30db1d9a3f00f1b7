// The command line as a user meets it: a process with arguments, an exit status, stdout and stderr. One process
// at a time, since each would take the whole machine.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import { modelBytes, node, value } from './onnx-models.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `halfspace ...args`; with `interruptAt`, sends SIGINT when stderr first shows it. */
function halfspace(args: readonly string[], interruptAt?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...args], { cwd: root });
    let [stdout, stderr, interrupted] = ['', '', false];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (interruptAt === undefined || interrupted || !stderr.includes(interruptAt)) return;
      interrupted = true;
      child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-cli-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A run of seconds. */
const quick = ['--data', 'sample', '--width', '8', '--batch', '32', '--threads', '1'] as const;

const commands = [
  'init',
  'inspect',
  'train',
  'construct',
  'eval',
  'report',
  'devices',
  'doctor',
  'completion',
];

test.serial('help names every command, and each has help of its own', async (t) => {
  const { status, stdout } = await halfspace(['--help']);
  t.is(status, 0);
  for (const command of commands) {
    t.true(stdout.includes(command), command);
    const help = await halfspace([command, '--help']);
    t.is(help.status, 0);
    t.true(help.stdout.startsWith(`Usage: halfspace ${command}`));
  }
});

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown command', ['trian'], /unknown command 'trian'[\s\S]*train/],
  ['an unknown option', ['inspect', 'stackedunets', '--jsn'], /unknown option '--jsn'[\s\S]*--json/],
  [
    'an unknown model',
    ['inspect', 'stackedunet'],
    /unknown model 'stackedunet' \(did you mean 'stackedunets'\?\)/,
  ],
  ['an unknown data set', ['train', 'demosupnet', '--data', 'fashion'], /neither a data set nor a folder/],
  ['an unknown model, first of all', ['train', 'demosupnets'], /unknown model.*'demosupnet'/],
  ['an unknown model to begin with', ['init', '--model', 'demosupnets'], /unknown model.*'demosupnet'/],
  [
    'more threads than any engine takes',
    ['eval', 'demosupnet', ...quick, '--threads', '9999'],
    /--threads.*from 1 to 1024, got '9999'/,
  ],
  ['no data set', ['train', 'demosupnet'], /expected a data set, got none: add --data/],
  [
    'a value that is no number',
    ['train', 'demosupnet', ...quick, '--epochs', 'many'],
    /positive whole number, got 'many'/,
  ],
  ['an unknown score', ['train', 'demosupnet', ...quick, '--remove', '1', '--score', 'papr'], /papr.*paper/],
  [
    'an unknown optimizer',
    ['train', 'demosupnet', ...quick, '--optimizer', 'sdg'],
    /unknown 'sdg' \(did you mean 'sgd'\?\)/,
  ],
  ['a name that every object has', ['inspect', 'constructor'], /unknown model 'constructor'/],
  [
    'an augmentation of such a name',
    ['train', 'demosupnet', ...quick, '--augment', 'toString'],
    /unknown 'toString'.*crop/,
  ],
  ['resuming nothing in particular', ['train', 'demosupnet', ...quick, '--resume'], /--resume needs --out/],
  [
    'the size of images that have one',
    ['eval', 'demosupnet', '--data', 'sample', '--size', '9'],
    /--size is for/,
  ],
  ['two targets', ['train', 'demosupnet', ...quick, '--remove', '1', '--macs', '1M'], /not several/],
  [
    'an impossible target',
    ['train', 'stackedunets', ...quick, '--remove', '7'],
    /at most 5|largest possible.*5/,
  ],
];

for (const [what, args, message] of wrong) {
  test.serial(`${what} is wrong usage and says what would be right`, async (t) => {
    const { status, stdout, stderr } = await halfspace(args);
    t.regex(stderr, message);
    t.is(status, 2, stderr);
    t.is(stdout, '');
    t.notRegex(stderr, /\n {4}at /, 'no stack trace');
  });
}

const failing: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    'a missing model file',
    ['inspect', 'nowhere/model.onnx'],
    /cannot read the model file nowhere\/model\.onnx: no such file or directory$/m,
  ],
  [
    'going on with a run that is not there',
    ['train', '--out', 'nowhere', '--resume'],
    /nowhere holds no run to go on with/,
  ],
  [
    'a network larger than any memory',
    ['train', 'stackedunets', '--data', 'sample', '--width', '300000'],
    /parameter '[\w.]+': no memory for \d+ numbers/,
  ],
];

for (const [what, args, message] of failing) {
  test.serial(`${what} is a failure that says what failed`, async (t) => {
    const { status, stdout, stderr } = await halfspace(args);
    t.regex(stderr, message);
    t.is(status, 1, stderr);
    t.is(stdout, '');
    t.notRegex(stderr, /internal|\n {4}at /);
  });
}

test.serial('a file that is no model is a failure that names the file', async (t) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'broken.onnx');
    await writeFile(path, 'not a model');
    const { status, stderr } = await halfspace(['inspect', path]);
    t.is(status, 1);
    t.regex(stderr, /broken\.onnx/);
    t.notRegex(stderr, /internal/);
  });
});

test.serial('what is no file is not read, neither a folder nor a device without end', async (t) => {
  await inFolder(async (folder) => {
    const endless = join(folder, 'endless.onnx');
    await symlink('/dev/zero', endless);
    await mkdir(join(folder, 'folder.onnx'));
    for (const path of [endless, join(folder, 'folder.onnx')]) {
      const { status, stderr } = await halfspace(['inspect', path]);
      t.is(status, 1);
      t.true(stderr.includes(`cannot read the model file ${path}: it is not a file`), stderr);
    }
  });
});

test.serial('a network that cannot run is a failure that names the file', async (t) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'mystery.onnx');
    const given = { inputs: [value('x', [1, 1, 28, 28])], nodes: [node('Mystery', ['x'], ['y'])] };
    await writeFile(path, modelBytes({ ...given, outputs: [value('y', [1, 10])] }));
    for (const args of [
      ['construct', path, '-o', join(folder, 'sub.onnx')],
      ['eval', path, '--data', 'sample'],
      ['train', path, '--data', 'sample', '--out', folder],
    ]) {
      const { status, stderr } = await halfspace(args);
      t.is(status, 1);
      t.true(stderr.includes(`${path}: 1 of 1 nodes have operators that cannot run here`), stderr);
    }
  });
});

test.serial('an image that cannot be decoded fails eval, or is left out and named where asked', async (t) => {
  await inFolder(async (folder) => {
    const names = Array.from({ length: 20 }, (_, index) => join(folder, 'a', `${index + 10}.jpg`));
    await mkdir(join(folder, 'a'));
    const image = await sharp({ create: { width: 32, height: 32, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    for (const name of names) await writeFile(name, image);
    const corrupt = names[19] as string; // one of the two that are kept for testing
    await writeFile(corrupt, image.subarray(0, 100));
    const args = ['eval', 'stackedunets', '--data', folder, '--size', '32', '--batch', '2', '--threads', '1'];
    const failed = await halfspace(args);
    t.is(failed.status, 1);
    t.true(failed.stderr.includes(`${corrupt}: cannot be decoded`), failed.stderr);
    t.regex(failed.stderr, /; --skip-corrupt leaves such images out$/m);
    const { status, stdout, stderr } = await halfspace([...args, '--skip-corrupt', '--json']);
    t.is(status, 0, stderr);
    t.true(stderr.includes(`left out: ${corrupt}: cannot be decoded`), stderr);
    t.is((JSON.parse(stdout) as { images: number }).images, 1);
  });
});

test.serial('inspect --json prints one document in the published form', async (t) => {
  const { status, stdout } = await halfspace(['inspect', 'stackedunets', '--json']);
  t.is(status, 0);
  const document = JSON.parse(stdout) as Record<string, unknown>;
  t.deepEqual(Object.keys(document), [
    'model',
    'inputs',
    'outputs',
    'params',
    'macs',
    'unsupported',
    'segments',
    'groups',
    'maxRemovable',
  ]);
  t.is((document['segments'] as unknown[]).length, 22);
  t.is((document['groups'] as unknown[]).length, 6);
});

test.serial('train, construct and eval lead from a super-network to a measured sub-network', async (t) => {
  await inFolder(async (folder) => {
    const out = join(folder, 'run');
    const train = await halfspace([
      'train',
      'stackedunets',
      ...quick,
      '--remove',
      '3',
      '--steps',
      '24',
      '--out',
      out,
      '--json',
    ]);
    t.is(train.status, 0, train.stderr);
    const summary = JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as {
      readonly erased: readonly number[];
      readonly subnet: { readonly params: number; readonly accuracy: number };
    };
    t.is(summary.erased.length, 3);

    const again = await halfspace(['train', 'stackedunets', ...quick, '--steps', '24', '--out', out]);
    t.is(again.status, 1);
    t.regex(again.stderr, /holds another run/);

    const rebuilt = join(folder, 'again.onnx');
    const construct = await halfspace(['construct', join(out, 'super.onnx'), '-o', rebuilt, '--json']);
    t.is(construct.status, 0, construct.stderr);
    const constructed = JSON.parse(construct.stdout) as { subnet: { params: number }; erased: number[] };
    t.is(constructed.subnet.params, summary.subnet.params);
    t.is(constructed.erased.length, 3);

    const evaluation = await halfspace(['eval', rebuilt, '--data', 'sample', '--device', 'auto', '--json']);
    t.is(evaluation.status, 0, evaluation.stderr);
    t.regex(evaluation.stderr, /^device: (cpu|cuda:0)/m);
    t.is((JSON.parse(evaluation.stdout) as { accuracy: number }).accuracy, summary.subnet.accuracy);
  });
});

/** Each U-net has three skips and one resizing between two sums. */
test.serial('with --gates inspect shows more groups, and train erases more of them', async (t) => {
  const inspected = await halfspace(['inspect', 'stackedunets', '--gates', '--json']);
  t.is((JSON.parse(inspected.stdout) as { groups: unknown[] }).groups.length, 6 + 2 * 4);
  await inFolder(async (folder) => {
    const out = join(folder, 'run');
    const args = ['--remove', '7', '--gates', '--score', 'magnitude', '--steps', '9', '--out', out, '--json'];
    const { status, stdout, stderr } = await halfspace(['train', 'stackedunets', ...quick, ...args]);
    t.is(status, 0, stderr);
    t.is((JSON.parse(stdout) as { erased: number[] }).erased.length, 7);
  });
});

test.serial('Ctrl-C ends a run after its step, and the run can go on from there', async (t) => {
  await inFolder(async (folder) => {
    const out = join(folder, 'run');
    const args = ['train', 'demosupnet', ...quick, '--remove', '2', '--epochs', '1', '--out', out];
    const stopped = await halfspace(args, 'loss');
    t.is(stopped.status, 130, stopped.stderr);
    t.regex(stopped.stderr, /--resume goes on from here/);
    t.truthy(await readFile(join(out, 'checkpoints', 'last.safetensors')));
    t.truthy(await readFile(join(out, 'super.onnx')));
    const resumed = await halfspace([...args, '--resume', '--quiet'], 'never');
    t.is(resumed.status, 0, resumed.stderr);
    t.truthy(await readFile(join(out, 'summary.json')));
  });
});
