// Public surface of `halfspace/config`: what config files in TypeScript are checked against.

export type { Config } from './config-schema.js';
