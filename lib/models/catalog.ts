// The built-in super-networks by name. Each is written with the public API alone, as a user would, but
// imports the builder from its own file, so that to look at a network does not load what trains it.

import type { Graph } from '../index.js';
import { lookUp } from '../suggest.js';
import type { ModelName } from './names.js';
import { darts14, darts8 } from './darts.js';
import { demoSupNet } from './demosupnet.js';
import { regnet800MSqueeze, regnetX800M } from './regnet.js';
import { stackedUnets } from './stackedunets.js';
import { superResNet1M, superResNet2M } from './superresnet.js';

/** What a built-in network is built for. */
export interface ModelOptions {
  /** Channels, height and width of an image. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  /** Base number of channels; each network has its own default, the published size. */
  readonly width?: number;
}

interface Model {
  readonly build: (options: ModelOptions) => Graph;
  /** The published input and number of classes, used where no dataset says otherwise. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
}

const catalog: Readonly<Record<ModelName, Model>> = {
  demosupnet: { build: demoSupNet, input: [1, 28, 28], classes: 10 },
  'darts-14': { build: darts14, input: [3, 224, 224], classes: 1000 },
  'darts-8': { build: darts8, input: [3, 32, 32], classes: 10 },
  'regnet-800m': { build: regnetX800M, input: [3, 32, 32], classes: 10 },
  'regnet-800m-se': { build: regnet800MSqueeze, input: [3, 32, 32], classes: 10 },
  stackedunets: { build: stackedUnets, input: [3, 32, 32], classes: 10 },
  superresnet: { build: superResNet1M, input: [3, 32, 32], classes: 10 },
  'superresnet-2m': { build: superResNet2M, input: [3, 32, 32], classes: 10 },
};

/** A built-in super-network. Throws ERR_OPTION with the nearest name where there is none of that name. */
export function buildModel(name: string, options: Partial<ModelOptions> = {}): Graph {
  const model = lookUp<Model>(catalog, name, 'model');
  return model.build({ input: model.input, classes: model.classes, ...options });
}
