// Every example runs, for a few steps; those in Python where it has torch, onnx and onnxruntime.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'halfspace-examples-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Runs a program in the folder of this test; what it prints. */
function outputOf(t: ExecutionContext, file: string, ...args: readonly string[]): string {
  t.timeout(300_000);
  const env = { ...process.env, TSX_TSCONFIG_PATH: path('../tsconfig.json') };
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: folder, env, encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
  return stdout;
}

const example = (t: ExecutionContext, name: string, ...args: readonly string[]): string =>
  outputOf(
    t,
    process.execPath,
    '--import',
    new URL('register.mjs', import.meta.url).href,
    path(`../examples/${name}`),
    ...args,
  );

test.serial('first-search.ts', (t) => {
  const stdout = example(t, 'first-search.ts', '6');
  t.regex(stdout, /erasing segments \d+, \d+\n.* % after 6 steps\n/);
  t.regex(stdout, /the first test image is an? \w+/);
});

test.serial('own-network.ts', (t) => {
  const stdout = example(t, 'own-network.ts', '6');
  t.is(stdout.match(/can be erased/g)?.length, 4);
  t.regex(stdout, /stays: .* \(stem bn relu maxpool\)/);
  t.true(existsSync(join(folder, 'sub.onnx')));
});

test.serial('own-parts.ts', (t) => {
  t.regex(example(t, 'own-parts.ts', '6'), /dataset: 'stripes'/);
});

const python = process.env['HALFSPACE_PYTHON'] ?? 'python3';
const modules = 'import torch, onnx, onnxruntime';
const found = spawnSync(python, ['-c', modules]).status === 0;

(found ? test.serial : test.serial.skip)(
  'from PyTorch and back (skipped where HALFSPACE_PYTHON lacks torch, onnx or onnxruntime)',
  (t) => {
    outputOf(t, python, path('../examples/pytorch/export.py'), 'model.onnx');
    t.regex(example(t, 'erase-onnx.ts', 'model.onnx', '6'), /erased: \[ \d/);
    t.regex(outputOf(t, python, path('../examples/pytorch/use.py'), 'sub.onnx'), /logits \(64, 10\)/);
  },
);
