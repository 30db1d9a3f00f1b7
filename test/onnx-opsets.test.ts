// Operator sets 13 to 21, as each of PyTorch's exporters writes them and as the onnx package converts them: operators
// change their form between sets (axes become inputs, new ones say in one node what took three). The oracle is
// onnxruntime on the file itself; 1e-5 of the largest score is allowed, as for the larger networks.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fromOnnx } from '../lib/onnx/import.js';
import { readSource } from '../lib/onnx/source.js';
import { requireSupported } from '../lib/ops/opaque.js';
import { initialWeights } from '../lib/weights.js';
import { noise, pythonWith, relativeDifference, runOnnx, runPython, runReference } from './onnx-tools.js';

const TOLERANCE = 1e-5;
const python = pythonWith('torch', 'onnx', 'onnxscript');
const exporterTest = python ? test : test.skip;

exporterTest('two networks in operator sets 13 to 21 compute what onnxruntime does', async (t) => {
  t.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-opsets-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  runPython(python as string, 'test/export-small.py', '--opsets', folder);
  const seen = new Set<number>();
  for (const file of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, file));
    seen.add(readSource(bytes).opset);
    const graph = fromOnnx(bytes);
    t.notThrows(() => requireSupported(graph), file);
    const inputs = noise(graph, 1);
    const [expected = []] = await runOnnx(bytes, inputs);
    const [actual = []] = runReference(graph, initialWeights(graph, 0), inputs);
    const difference = relativeDifference(actual, expected);
    t.true(difference < TOLERANCE, `${file}: relative difference ${difference}`);
  }
  t.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [13, 14, 15, 16, 17, 18, 19, 20, 21],
  );
});
