// Public surface of `halfspace/models`.

export { buildModel, modelNames, type ModelOptions } from './catalog.js';
export { demoSupNet } from './demosupnet.js';
export { stackedUnets } from './stackedunets.js';
