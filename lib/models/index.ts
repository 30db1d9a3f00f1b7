// Public surface of `halfspace/models`.

export { buildModel, type ModelOptions } from './catalog.js';
export { modelNames, type ModelName } from './names.js';
export { darts14, darts8 } from './darts.js';
export { demoSupNet } from './demosupnet.js';
export { regnet, regnetX800M, type RegNetSpace } from './regnet.js';
export { stackedUnets } from './stackedunets.js';
export { superResNet1M, superResNet2M } from './superresnet.js';
