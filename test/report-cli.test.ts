// `inspect --html` and `report` as a user meets them: as processes, one at a time.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { buildModel } from '../lib/models/index.js';
import { Network } from '../lib/network.js';
import { toOnnx } from '../lib/onnx/export.js';
import { searchSpace } from '../lib/search/space.js';
import { initialWeights } from '../lib/weights.js';
import { boxes } from './page-parts.js';
import { zeroed } from './random-networks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'halfspace-report-cli-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...args], { cwd: root });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => (output[name] += chunk.toString()));
  }
  return { child, output };
}

/** Runs a command to its end. */
async function halfspace(...args: readonly string[]) {
  const { child, output } = start(...args);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...output };
}

test.serial('inspect --html writes a drawing beside the usual answer', async (t) => {
  const file = join(folder, 'unets.html');
  const { status, stdout, stderr } = await halfspace('inspect', 'stackedunets', '--html', file);
  t.is(status, 0, stderr);
  t.regex(stdout, /22 segments, 6 removable/);
  t.is(boxes(readFileSync(file, 'utf8')).length, 22);
});

test.serial('a page is headed by the name of the file, not by where it lies', async (t) => {
  const net = new Network();
  const graph = net.graph([net.relu(net.conv(net.input('image', [1, 3, 4, 4]), 2))]);
  const model = join(folder, 'small.onnx');
  writeFileSync(model, toOnnx(graph, initialWeights(graph, 0)));
  const file = join(folder, 'small.html');
  const { status, stderr } = await halfspace('inspect', model, '--html', file);
  t.is(status, 0, stderr);
  const html = readFileSync(file, 'utf8');
  t.regex(html, /<h1>small\.onnx<\/h1>/);
  t.false(html.includes(folder));
});

test.serial(
  'a drawing that would take minutes is announced, one that would take an hour refused',
  async (t) => {
    const chain = (sums: number): string => {
      const net = new Network();
      let x = net.input('x', [1, 1, 1, 1]);
      for (let sum = 0; sum < sums; sum += 1) x = net.add([x, net.relu(x)]);
      const path = join(folder, `${sums}.onnx`);
      const graph = net.graph([x]);
      writeFileSync(path, toOnnx(graph, initialWeights(graph, 0)));
      return path;
    };
    const file = join(folder, 'large.html');
    const long = await halfspace('inspect', chain(1501), '--html', file);
    t.is(long.status, 0, long.stderr);
    t.regex(long.stderr, /drawing 3,002 segments, which may take a minute/);
    const endless = await halfspace('inspect', chain(10_001), '--html', file);
    t.is(endless.status, 2);
    t.regex(
      endless.stderr,
      /--html draws at most 20,000 segments, the network has 20,002; --json lists them/,
    );
  },
);

test.serial('groups that are zero in a file are drawn as erased', async (t) => {
  const graph = buildModel('demosupnet', { width: 8 });
  const space = searchSpace(graph);
  const model = join(folder, 'zeros.onnx');
  const weights = zeroed(space, initialWeights(graph, 0), [2]);
  writeFileSync(model, toOnnx(graph, weights));
  const file = join(folder, 'zeros.html');
  const { status, stderr } = await halfspace('inspect', model, '--html', file);
  t.is(status, 0, stderr);
  const erased = boxes(readFileSync(file, 'utf8')).filter(({ classes }) => classes.includes('erased'));
  t.deepEqual(
    erased.map(({ id }) => id),
    space.groups[2]?.segments,
  );
});

test.serial('a drawing that cannot be written is a failure that names the file', async (t) => {
  const file = join(folder, 'nowhere', 'unets.html');
  const { status, stderr } = await halfspace('inspect', 'stackedunets', '--html', file);
  t.is(status, 1);
  t.true(stderr.includes(`cannot write ${file}`), stderr);
});

test.serial('report of a folder that is no run is a failure that names the folder', async (t) => {
  const { status, stdout, stderr } = await halfspace('report', folder);
  t.is(status, 1);
  t.is(stdout, '');
  t.true(stderr.includes(`${folder} holds no run`), stderr);
});

test.serial(
  'report --serve prints an address, answers there, and ends well when it is told to',
  async (t) => {
    writeFileSync(join(folder, 'config.json'), '{"steps":9,"warmup":0.2,"window":0.5,"target":null}');
    const { child, output } = start('report', folder, '--serve');
    const closed = once(child, 'close');
    while (!output.stdout.includes('\n')) await once(child.stdout, 'data');
    const page = await (await fetch(output.stdout.trim())).text();
    t.regex(page, /step 0 of 9/);
    child.kill('SIGTERM');
    t.deepEqual(await closed, [0, null]);
  },
);
