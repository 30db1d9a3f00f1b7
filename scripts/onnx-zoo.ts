// Prints the table of docs/onnx.md: networks of torchvision through both of PyTorch's exporters, read, compared
// with onnxruntime, searched and trained. Takes a Python with torch, torchvision, onnx and onnxscript.
//
//     HALFSPACE_PYTHON=... tsx scripts/onnx-zoo.ts [NAME:SIZE ...]

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countParameters, type Graph } from '../lib/graph.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { unsupported } from '../lib/ops/opaque.js';
import { searchSpace } from '../lib/search/space.js';
import { initialWeights } from '../lib/weights.js';
import {
  noise,
  pythonWith,
  relativeDifference,
  runNative,
  runOnnx,
  runPython,
  trainNative,
} from '../test/onnx-tools.js';

/** A member of each family, at the smallest image that all of its layers see something of. */
const families = [
  'resnet18:64',
  'resnext50_32x4d:64',
  'wide_resnet50_2:64',
  'densenet121:64',
  'inception_v3:96',
  'googlenet:64',
  'mobilenet_v2:64',
  'mobilenet_v3_small:64',
  'efficientnet_b0:64',
  'shufflenet_v2_x0_5:64',
  'squeezenet1_1:64',
  'vgg11:224',
  'vgg11_bn:224',
  'alexnet:224',
  'mnasnet0_5:64',
  'regnet_x_400mf:64',
  'regnet_y_400mf:64',
  'convnext_tiny:64',
  'vit_b_16:64',
  'swin_t:64',
  'swin_v2_t:64',
  'maxvit_t:224',
];

const exporters = ['torchscript', 'dynamo'];

/** Networks that one Python process exports: importing torch takes longest, and files are large. */
const together = 4;

/** A row for each network, as soon as it is there. */
async function* rows(python: string, exporter: string, networks: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-zoo-'));
  try {
    runPython(python, 'test/export-zoo.py', folder, exporter, ...networks);
    for (const network of networks) {
      const [name = ''] = network.split(':');
      yield [name, exporter, ...(await findings(readFileSync(join(folder, `${name}-${exporter}.onnx`))))];
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function findings(bytes: Uint8Array): Promise<readonly string[]> {
  const graph = fromOnnx(bytes);
  const opaque = unsupported(graph).length;
  if (opaque > 0) return [`but for ${opaque} nodes`, '', '', '', ''];
  const { segments } = searchSpace(graph);
  const removable = segments.filter((segment) => segment.removable).length;
  const [first = NaN, second = NaN] = await trainNative(graph, 4, 2, 1e-3);
  return [
    'yes',
    `${(countParameters(graph) / 1e6).toFixed(1)} M`,
    (await largestDifference(graph, bytes)).toExponential(1),
    `${removable} of ${segments.length}`,
    `${first.toFixed(3)} → ${second.toFixed(3)} ${second < first ? 'yes' : 'no'}`,
  ];
}

async function largestDifference(graph: Graph, bytes: Uint8Array): Promise<number> {
  const inputs = noise(graph, 1);
  const [expected = []] = await runOnnx(bytes, inputs);
  const [actual = []] = await runNative(graph, initialWeights(graph, 0), inputs);
  return relativeDifference(actual, expected);
}

const cells = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

const python = pythonWith('torch', 'torchvision', 'onnx', 'onnxscript');
if (!python) throw new Error('no Python with torch, torchvision, onnx and onnxscript (set HALFSPACE_PYTHON)');
const asked = process.argv.slice(2);
const networks = asked.length > 0 ? asked : families;
const titles = ['network', 'exporter', 'read', 'trained', 'difference', 'removable', 'loss, one step'];
console.log(cells(titles));
console.log(cells(titles.map(() => '---')));
for (const exporter of exporters) {
  for (let first = 0; first < networks.length; first += together) {
    for await (const row of rows(python, exporter, networks.slice(first, first + together)))
      console.log(cells(row));
  }
}
