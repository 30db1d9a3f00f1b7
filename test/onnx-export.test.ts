// Exported networks against onnxruntime, which must compute what our float64 reference interpreter does.
// onnxruntime computes in single precision: a product of n terms carries a relative error of about
// n 6e-8 in the worst case, so 1e-5 is allowed for single operators and 1e-4 for whole networks.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { HalfspaceError } from '../lib/errors.js';
import { GraphBuilder, type Graph } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { concat, relu, sum } from '../lib/ops/index.js';
import { opaque } from '../lib/ops/opaque.js';
import { toOnnx } from '../lib/onnx/export.js';
import { decodeModel } from '../lib/onnx/decode.js';
import { f32 } from '../lib/shape.js';
import { initialWeights } from '../lib/weights.js';
import { contents, evaluator, graphOf, titledCases, type Case } from './operator-cases.js';
import { noise, pythonWith, relativeDifference, runOnnx, runPython, runReference } from './onnx-tools.js';

const OPERATOR_TOLERANCE = 1e-5;
const NETWORK_TOLERANCE = 1e-4;

/** Applications that ONNX has a form for. */
const exportable = titledCases.filter(([, c]) => c.op.onnx !== null);

/** What is fused into a kernel is a node of its own in ONNX, and the loss belongs to training. */
test('only fused operators and the loss have no ONNX form', (t) => {
  const without = titledCases.filter(([, c]) => c.op.onnx === null).map(([, c]) => c.op);
  const unexpected = without.filter((op) => !op.attrs['epilogue'] && op.name !== 'SoftmaxCrossEntropy');
  t.deepEqual(
    unexpected.map((op) => op.name),
    [],
  );
});

for (const [title, c] of exportable) {
  test(`onnxruntime computes ${title} as the reference does`, async (t) => {
    const difference = await exportedDifference(c);
    t.true(difference < OPERATOR_TOLERANCE, `relative difference ${difference}`);
  });
}

/** Largest difference between the exported operator and its float64 reference over all its ONNX results. */
async function exportedDifference(c: Case): Promise<number> {
  const whole = graphOf(c.op, c.inputs);
  const form = c.op.onnx?.(
    c.inputs,
    whole.outputs.map((v) => v.type),
  );
  const kept = form?.outputs ?? [...whole.outputs.keys()];
  const graph: Graph = {
    ...whole,
    outputs: kept.map((index) => whole.outputs[index] as (typeof whole.outputs)[0]),
  };
  const data = contents(c, 3).map((values) => Float32Array.from(values));
  const feeds = Object.fromEntries(
    c.inputs.map((type, index) => [`x${index}`, { shape: type.shape, data: data[index] as Float32Array }]),
  );
  const actual = await runOnnx(toOnnx(graph, new Map(), { dynamicBatch: false }), feeds);
  const expected = evaluator(whole, graph.outputs, 'eval')(data);
  return Math.max(
    ...actual.map((values, index) => relativeDifference(values, expected[index] as Float64Array)),
  );
}

/** Residual, concatenated and pooled branches, with every kind of parameter. */
function branchy(): Graph {
  const network = new Network();
  const x = network.input('image', [1, 3, 16, 16]);
  const stem = network.relu(network.batchNorm(network.conv(x, 8, { kernel: 3, name: 'stem' })));
  const left = network.conv(stem, 8, { kernel: 3, groups: 8, bias: false, name: 'depthwise' });
  const joined = network.relu(network.add([stem, left]));
  const pooled = network.maxPool(network.concat([joined, stem]), { kernel: 2 });
  const scores = network.linear(network.flatten(network.globalAveragePool(pooled)), 10, { name: 'head' });
  return network.graph([scores]);
}

for (const batch of [1, 3]) {
  test(`an exported network of branches computes the same at batch size ${batch}`, async (t) => {
    const graph = branchy();
    const weights = initialWeights(graph, 5);
    const inputs = noise(graph, batch);
    const [actual] = await runOnnx(toOnnx(graph, weights), inputs);
    const [expected] = runReference(graph, weights, inputs);
    const difference = relativeDifference(actual ?? [], expected ?? []);
    t.true(difference < NETWORK_TOLERANCE, `relative difference ${difference}`);
  });
}

test('nodes, inputs, outputs and weights keep their names, and the batch axis is open', (t) => {
  const graph = branchy();
  const model = decodeModel(toOnnx(graph, initialWeights(graph, 5)));
  t.is(model.producerName, 'halfspace');
  t.deepEqual(
    model.opsetImport.map(({ version }) => version),
    [18],
  );
  t.deepEqual(
    model.graph?.node.map((node) => node.name),
    graph.nodes.map((node) => node.name),
  );
  t.deepEqual(
    model.graph?.initializer.map((tensor) => tensor.name),
    graph.parameters.map((p) => p.name),
  );
  const dims = [model.graph?.input[0], model.graph?.output[0]].map((v) =>
    v?.type?.tensorType?.shape?.dim.map(({ dimParam, dimValue }) => dimParam ?? dimValue),
  );
  t.deepEqual(dims, [
    ['N', 3, 16, 16],
    ['N', 10],
  ]);
});

test('outputs can be given other names, and one value can be two outputs', async (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const y = builder.apply(relu(), [x], 'y');
  const graph = builder.graph([y, y, x]);
  const bytes = toOnnx(graph, new Map(), { outputNames: ['first', 'second', 'third'] });
  const results = await runOnnx(bytes, { x: { shape: [1, 2], data: Float32Array.of(-1, 2) } });
  t.deepEqual(
    results.map((values) => [...values]),
    [
      [0, 2],
      [0, 2],
      [-1, 2],
    ],
  );
  t.deepEqual(
    decodeModel(bytes).graph?.output.map((output) => output.name),
    ['first', 'second', 'third'],
  );
});

test('a wrong number of output names is refused', (t) => {
  const graph = branchy();
  const error = t.throws(() => toOnnx(graph, initialWeights(graph, 1), { outputNames: [] }), {
    instanceOf: HalfspaceError,
  });
  t.is(error?.code, 'ERR_OPTION');
  t.is(error?.message, 'outputNames: expected 1 names, one an output, got 0');
});

test('nodes that ONNX cannot express are refused by name', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const odd = builder.apply(
    opaque('Mystery', [x.type], { reason: 'it is not known', follows: false }),
    [x],
    'odd',
  );
  const graph = builder.graph([builder.apply(sum(), [odd, x])]);
  const error = t.throws(() => toOnnx(graph, new Map()), { instanceOf: HalfspaceError });
  t.is(error?.code, 'ERR_UNSUPPORTED');
  t.is(error?.message, "export: ONNX has no form for 1 of 2 nodes: Mystery 'odd'");
});

test('weights of no elements need not be there', async (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const nothing = builder.parameter('nothing', [1, 0], { kind: 'constant', value: 0 });
  const bytes = toOnnx(builder.graph([builder.apply(concat(), [x, nothing], 'y')]), new Map());
  const [y = []] = await runOnnx(bytes, { x: { shape: [1, 2], data: Float32Array.of(3, 4) } });
  t.deepEqual([...y], [3, 4]);
});

test('missing weights are refused by name', (t) => {
  const error = t.throws(() => toOnnx(branchy(), new Map()), { instanceOf: HalfspaceError });
  t.is(error?.code, 'ERR_MODEL');
  t.regex(error?.message ?? '', /weights 'stem.weight': expected 216 elements, found nothing/);
});

const python = pythonWith('onnx');
const checkerTest = python ? test : test.skip;

checkerTest('the ONNX checker accepts every exported operator with strict shape inference', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-onnx-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  exportable.forEach(([, c], index) => {
    writeFileSync(join(folder, `${index}.onnx`), toOnnx(checkable(c), new Map()));
  });
  const network = branchy();
  writeFileSync(join(folder, 'network.onnx'), toOnnx(network, initialWeights(network, 1)));
  const check = [
    'import glob, onnx, sys',
    'files = glob.glob(sys.argv[1] + "/*.onnx")',
    'for file in files: onnx.checker.check_model(onnx.load(file), full_check=True)',
    'for file in files: onnx.shape_inference.infer_shapes(onnx.load(file), check_type=True, strict_mode=True, data_prop=True)',
    'print(len(files))',
  ].join('\n');
  t.is(runPython(python as string, '-c', check, folder).trim(), String(exportable.length + 1));
});

/** The graph of a case with only those results that ONNX has. */
function checkable(c: Case): Graph {
  const graph = graphOf(c.op, c.inputs);
  const form = c.op.onnx?.(
    c.inputs,
    graph.outputs.map((v) => v.type),
  );
  return {
    ...graph,
    outputs: form?.outputs ? graph.outputs.filter((_, i) => form.outputs?.includes(i)) : graph.outputs,
  };
}
