// Names of the built-in super-networks, apart from what builds them: who only names them, like the help of
// the command line, has no use for the library behind them.

export const modelNames = [
  'demosupnet',
  'darts-8',
  'darts-14',
  'regnet-800m',
  'regnet-800m-se',
  'stackedunets',
  'superresnet',
  'superresnet-2m',
] as const;

export type ModelName = (typeof modelNames)[number];
