// Names of the data sets that can be opened, apart from what opens them: who only names them, like the
// help of the command line, has no use for the formats.

export const datasetNames = ['sample', 'fashion-mnist', 'cifar10', 'svhn', 'stl10', 'imagenet'] as const;

export type DatasetName = (typeof datasetNames)[number];

export const isDatasetName = (name: string): name is DatasetName =>
  (datasetNames as readonly string[]).includes(name);
