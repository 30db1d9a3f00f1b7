// The package as a TypeScript program uses it: package.test.ts compiles this file against the packed
// package, under both ways that programs resolve modules. Each line that must not compile says so.

import {
  HalfspaceError,
  openDataset,
  search,
  toOnnx,
  type Graph,
  type Progress,
  type Summary,
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

export const names: readonly string[] = modelNames;

export function misuse(model: Graph): void {
  // @ts-expect-error Graphs are immutable.
  model.nodes = [];
  // @ts-expect-error There is no such target.
  const target: Parameters<typeof search>[2] = { target: { kind: 'size', count: 2 } };
  // @ts-expect-error A network without weights is not exported.
  toOnnx(model);
  console.log(target);
}
