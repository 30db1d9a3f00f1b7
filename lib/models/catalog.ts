// The built-in super-networks by name. Each is written with the public API alone, as a user would, but
// imports the builder from its own file, so that to look at a network does not load what trains it.

import { HalfspaceError } from '../errors.js';
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
  /** What a width has to be a multiple of, so that all others are whole; 1 unless told. */
  readonly unit?: number;
}

const catalog: Readonly<Record<ModelName, Model>> = {
  demosupnet: { build: demoSupNet, input: [1, 28, 28], classes: 10 },
  'darts-14': { build: darts14, input: [3, 224, 224], classes: 1000, unit: 2 },
  'darts-8': { build: darts8, input: [3, 32, 32], classes: 10 },
  'regnet-800m': { build: regnetX800M, input: [3, 32, 32], classes: 10 },
  'regnet-800m-se': { build: regnet800MSqueeze, input: [3, 32, 32], classes: 10 },
  stackedunets: { build: stackedUnets, input: [3, 32, 32], classes: 10, unit: 4 },
  superresnet: { build: superResNet1M, input: [3, 32, 32], classes: 10, unit: 4 },
  'superresnet-2m': { build: superResNet2M, input: [3, 32, 32], classes: 10, unit: 4 },
};

/**
 * A built-in super-network. Throws ERR_OPTION with the nearest name where there is none of that name, or for a
 * width that it cannot have.
 */
export function buildModel(name: string, options: Partial<ModelOptions> = {}): Graph {
  const model = lookUp<Model>(catalog, name, 'model');
  requireWidth(name, options.width, model.unit);
  return model.build({ input: model.input, classes: model.classes, ...options });
}

function requireWidth(name: string, width: number | undefined, unit = 1): void {
  if (width === undefined || (width >= 1 && width % unit === 0)) return;
  const expected = unit === 1 ? 'a whole number from 1' : `a positive multiple of ${unit}`;
  throw new HalfspaceError('ERR_OPTION', `the width of ${name} must be ${expected}, got ${width}`);
}
