// The package as a TypeScript program uses it: package.test.ts compiles this file against the packed
// package, under both ways that programs resolve modules. Each line that must not compile says so.

import {
  collectDataset,
  errorCodes,
  HalfspaceError,
  InferenceNetwork,
  Network,
  openDataset,
  ops,
  search,
  toOnnx,
  type Dataset,
  type ErrorCode,
  type Graph,
  type LearningRate,
  type Loss,
  type Progress,
  type Sample,
  type Score,
  type SearchOptions,
  type SearchResult,
  type SearchRun,
  type Summary,
  type Value,
} from 'halfspace';
import { buildModel, modelNames } from 'halfspace/models';

export async function compress(signal: AbortSignal): Promise<Summary | null> {
  const dataset = await openDataset('sample');
  const model: Graph = buildModel('demosupnet', { input: dataset.shape, classes: dataset.classes.length });
  try {
    const result = await search(model, dataset, {
      target: { kind: 'count', count: 2 },
      epochs: 1,
      optimizer: 'adamw',
      signal,
      onProgress: show,
    });
    return result.summary;
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_TARGET') return null;
    throw error;
  }
}

function show(progress: Progress): void {
  if (progress.kind === 'epoch') console.log(progress.epoch.toFixed(1), progress.testAccuracy);
  // @ts-expect-error A loss belongs to a step, not to every event.
  console.log(progress.loss);
}

export async function follow(model: Graph, dataset: Dataset): Promise<SearchResult> {
  await using run: SearchRun<SearchResult> = search(model, dataset);
  for await (const event of run) {
    if (event.kind === 'epoch' && event.testAccuracy > 0.9) run.stop();
  }
  const { subnet } = await run;
  // @ts-expect-error There is none where the run was stopped too early.
  console.log(subnet.graph);
  // @ts-expect-error Only `search` begins a run.
  console.log(new SearchRun(async () => 1));
  return run;
}

// A network, a data set, a loss, a score and a schedule of one's own.

export function twoBranches(): Graph {
  const net = new Network();
  const image: Value = net.input('image', [1, 1, 28, 28]);
  const branch = (kernel: number): Value => net.relu(net.batchNorm(net.conv(image, 8, { kernel })));
  const pooled = net.globalAveragePool(net.add([branch(3), branch(5)]));
  return net.graph([net.linear(net.flatten(pooled), 10)]);
}

async function* rows(): AsyncGenerator<Sample> {
  yield { pixels: new Uint8Array(784), label: 0 };
}

export const ownDataset = (): Promise<Dataset> =>
  collectDataset({ name: 'own', classes: ['a', 'b'], shape: [1, 28, 28], train: rows(), test: [] });

const brier: Loss = (network, logits, targets) => {
  const error = network.apply(ops.subtract(), [network.apply(ops.softmax(1), [logits]), targets]);
  return network.apply(ops.reduceSum({ axes: [1], keep: false }), [network.multiply(error, error)]);
};
const largest: Score = (groups) => groups.map(({ size }) => size);
const falling: LearningRate = (step, steps) => 0.1 * (1 - step / steps);

export const own: SearchOptions = { loss: brier, score: largest, schedule: falling };

export async function answer({
  graph,
  weights,
}: SearchResult['supernet']): Promise<Float32Array | undefined> {
  using network = await InferenceNetwork.open(graph, weights);
  const [logits] = await network.run({ image: new Float32Array(784) });
  return logits;
}

export const names: readonly string[] = modelNames;
export const meaning = (code: ErrorCode): string => errorCodes[code];

export function misuse(model: Graph): void {
  // @ts-expect-error Graphs are immutable.
  model.nodes = [];
  // @ts-expect-error There is no such target.
  const target: SearchOptions = { target: { kind: 'size', count: 2 } };
  // @ts-expect-error A network without weights is not exported.
  toOnnx(model);
  // @ts-expect-error A score gives numbers.
  const score: SearchOptions = { score: () => ['high'] };
  // @ts-expect-error The way that tests put another engine in is no part of the surface.
  const open: SearchOptions = { open: () => null };
  console.log(target, score, open);
}
