// The public surface of the package, name by name. Nothing else lives here.

// Errors.
export { HalfspaceError, type ErrorCode } from './errors.js';
export { lookUp } from './suggest.js';

// Networks: write one, or read one.
export type { DType, Shape, TensorType } from './shape.js';
export {
  atBatch,
  countMacs,
  countParameters,
  print,
  type Graph,
  type Node,
  type Op,
  type Parameter,
  type Value,
} from './graph.js';
export { Network } from './network.js';
export * as ops from './ops/index.js';
export { initialWeights, type Weights } from './weights.js';
export { toOnnx } from './onnx/export.js';
export { fromOnnx } from './onnx/import.js';

// Search space and sub-networks.
export { searchSpace, type Group, type SearchSpace, type Segment } from './search/space.js';
export type { Target } from './search/selection.js';
export { inspectDocument } from './search/inspect.js';
export { addGates, type Gated } from './search/gates.js';
export { foldGates } from './search/fold-gates.js';
export { constructSubnet, type Subnet } from './search/subnet.js';
export { constructVerified, type VerifiedSubnet } from './train/construct.js';

// Data.
export { datasetNames, openDataset, type OpenOptions } from './data/open.js';
export type { Dataset, Normalization, Split } from './data/dataset.js';
export type { Image } from './data/image.js';
export { batches, type Batch, type BatchOptions } from './data/batches.js';
export {
  centerCrop,
  cutout,
  horizontalFlip,
  randomCrop,
  randomResizedCrop,
  resize,
  type Augmentation,
} from './data/augment.js';
export { colorJitter } from './data/color.js';
export { cutmix, mixup, type Mix } from './data/mix.js';

// Training.
export { search, type NetworkSummary, type SearchResult, type Summary } from './train/search.js';
export type { SearchOptions } from './train/options.js';
export { selectorNames } from './train/scores.js';
export type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectionProgress,
  StepProgress,
} from './train/progress.js';
export { evaluate, type Evaluation } from './train/evaluate.js';
export type { InferenceOptions } from './train/inference.js';
export { optimizer, optimizerNames, type Optimizer } from './train/optimizer.js';
export { schedule, scheduleNames, type Schedule } from './train/schedule.js';
export { Session } from './train/session.js';

// Pages for people.
export { drawSpace } from './report/space.js';
export { reportPage, writeReport } from './report/run.js';
