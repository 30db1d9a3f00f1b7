// Networks of torchvision, as both exporters of PyTorch write them. An imported network runs on the native
// engine, and is exported again and runs in onnxruntime, as the file does. Two orders of single-precision
// sums differ by about 1e-6 over the depth of these networks, so 1e-5 of the largest score is allowed.
// Parameter counts are those that torchvision publishes.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { countParameters } from '../lib/graph.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { unsupported } from '../lib/ops/opaque.js';
import { searchSpace } from '../lib/search/space.js';
import { closure } from '../lib/search/validity.js';
import { largeSets } from '../lib/search/ways.js';
import { elements } from '../lib/shape.js';
import { constructVerified } from '../lib/train/construct.js';
import { initialWeights } from '../lib/weights.js';
import {
  noise,
  pythonWith,
  relativeDifference,
  runNative,
  runOnnx,
  runPython,
  trainNative,
  type Contents,
} from './onnx-tools.js';

const TOLERANCE = 1e-5;

/** Name and input size; parameters where the exporter keeps normalisation apart. */
const zoo: readonly (readonly [string, number, number])[] = [
  ['resnet18', 64, 11_689_512],
  ['densenet121', 64, 7_978_856],
  ['googlenet', 96, 6_624_904],
  ['mobilenet_v2', 64, 3_504_872],
  ['mnasnet0_5', 64, 2_218_512],
  ['squeezenet1_1', 64, 1_235_496],
  ['regnet_x_400mf', 64, 5_495_976],
  ['shufflenet_v2_x0_5', 64, 1_366_792],
  ['mobilenet_v3_small', 64, 2_542_856],
  ['efficientnet_b0', 64, 5_288_548],
  ['regnet_y_400mf', 64, 4_344_144],
];

/** Members of families that only have large ones, with few and narrow layers. */
const small = ['small_resnext', 'small_convnext', 'small_vit', 'small_maxvit', 'small_swin', 'small_swin_v2'];

const python = pythonWith('torch', 'torchvision', 'PIL', 'onnx', 'onnxscript');
const zooTest = python ? test.serial : test.serial.skip;

/** Exports the networks in one process, since importing torch takes longest. */
function exported(
  t: ExecutionContext,
  exporter: string,
  names: readonly string[],
  ...flags: readonly string[]
): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-zoo-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const sizes = new Map(zoo.map(([name, size]) => [name, size]));
  const networks = names.map((name) => `${name}:${sizes.get(name) ?? 64}`);
  runPython(python as string, 'test/export-zoo.py', ...flags, folder, exporter, ...networks);
  return folder;
}

async function compare(t: ExecutionContext, path: string, batch: number): Promise<number> {
  const graph = fromOnnx(readFileSync(path), { directory: dirname(path) });
  t.deepEqual(
    unsupported(graph).map((node) => node.name),
    [],
    path,
  );
  const inputs = noise(graph, batch);
  const [expected] = await runOnnx(path, inputs);
  const weights = initialWeights(graph, 0);
  const [again] = await runOnnx(toOnnx(graph, weights), inputs);
  const [native] = await runNative(graph, weights, inputs);
  for (const actual of [again, native]) {
    const difference = relativeDifference(actual ?? [], expected ?? []);
    t.true(difference < TOLERANCE, `${path}: relative difference ${difference}`);
  }
  return countParameters(graph);
}

/** A small step of gradient descent must lower the loss on its own batch. */
async function trains(t: ExecutionContext, path: string): Promise<void> {
  const [before = NaN, after = NaN] = await trainNative(fromOnnx(readFileSync(path)), 4, 2, 1e-3);
  t.true(after < before, `${path}: the loss goes from ${before} to ${after}`);
}

/** A file for one image, asked for three: each must be what the file says of it alone. */
async function compareImages(t: ExecutionContext, path: string): Promise<void> {
  const bytes = readFileSync(path);
  const graph = fromOnnx(bytes);
  const inputs = noise(graph, 3);
  const [scores] = await runNative(graph, initialWeights(graph, 0), inputs);
  for (const image of [0, 1, 2]) {
    const [expected = []] = await runOnnx(bytes, imageOf(inputs, image));
    const actual = scores?.subarray(image * expected.length, (image + 1) * expected.length) ?? [];
    const difference = relativeDifference(actual, expected);
    t.true(difference < TOLERANCE, `${path}, image ${image}: relative difference ${difference}`);
  }
}

/** Half the groups that can go together, which `constructVerified` compares with the network that has them at zero. */
async function constructs(t: ExecutionContext, path: string): Promise<void> {
  const graph = fromOnnx(readFileSync(path));
  const { groups, skeleton } = searchSpace(graph);
  const none = new Uint8Array(groups.length);
  const [most = none] = largeSets(skeleton, none);
  const erased = closure(
    skeleton,
    most.map((taken, id) => (taken && id % 2 === 0 ? 1 : 0)),
  );
  const ids = [...(erased ?? [])].flatMap((taken, id) => (taken ? [id] : []));
  const { graph: subnet } = await constructVerified(graph, ids);
  t.is(countParameters(subnet) < countParameters(graph), ids.length > 0, path);
}

/** One image of a batch. */
const imageOf = (inputs: Contents, image: number): Contents =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => {
      const size = elements(shape.slice(1));
      return [name, { shape: shape.with(0, 1), data: data.slice(image * size, (image + 1) * size) }];
    }),
  );

zooTest('networks of the torchscript exporter compute the same here and after export', async (t) => {
  t.timeout(900_000);
  const folder = exported(
    t,
    'torchscript',
    zoo.map(([name]) => name),
  );
  for (const [name, , parameters] of zoo) {
    const path = join(folder, `${name}-torchscript.onnx`);
    t.is(await compare(t, path, 2), parameters, name);
    await trains(t, path);
    await constructs(t, path);
  }
});

zooTest('networks of the dynamo exporter compute the same here and after export', async (t) => {
  t.timeout(900_000);
  const names = ['resnet18', 'shufflenet_v2_x0_5', 'mobilenet_v3_small'];
  const folder = exported(t, 'dynamo', names);
  for (const name of names) await compare(t, join(folder, `${name}-dynamo.onnx`), 1);
});

zooTest('a network whose weights the exporter puts into a file beside it computes the same', async (t) => {
  t.timeout(900_000);
  const path = join(exported(t, 'dynamo', ['resnet18'], '--external'), 'resnet18-dynamo.onnx');
  const [network, weights] = [path, `${path}.data`].map((file) => statSync(file).size);
  t.true((weights ?? 0) > 100 * (network ?? 0), `${network} bytes, ${weights} beside it`);
  await compare(t, path, 1);
});

/** Without its optimizations the exporter keeps batch normalisation a layer of its own, in inference form. */
zooTest('networks of the dynamo exporter without optimizations keep their normalisation', async (t) => {
  t.timeout(900_000);
  const names = ['resnet18', 'shufflenet_v2_x0_5', 'mobilenet_v3_small', 'efficientnet_b0'];
  const folder = exported(t, 'dynamo-plain', names);
  for (const [name, , parameters] of zoo.filter(([known]) => names.includes(known))) {
    const path = join(folder, `${name}-dynamo-plain.onnx`);
    t.is(await compare(t, path, 1), parameters, name);
    await trains(t, path);
  }
});

for (const exporter of ['torchscript', 'dynamo', 'dynamo-plain']) {
  zooTest(
    `small networks of the ${exporter} exporter compute the same for any image, and train`,
    async (t) => {
      t.timeout(900_000);
      const folder = exported(t, exporter, small);
      for (const name of small) {
        const path = join(folder, `${name}-${exporter}.onnx`);
        await compare(t, path, 1);
        await compareImages(t, path);
        await trains(t, path);
        await constructs(t, path);
      }
    },
  );
}
