// The public surface of the package, name by name. Nothing else lives here.

// Errors.
export { errorCodes, HalfspaceError, type ErrorCode } from './errors.js';

// Networks: write one, or read one.
export type { DType, Shape, TensorType } from './shape.js';
export {
  atBatch,
  countMacs,
  countParameters,
  print,
  type Graph,
  type Initializer,
  type Node,
  type Op,
  type Parameter,
  type Value,
} from './graph.js';
// What an operator says of itself.
export type {
  Attribute,
  Attributes,
  Epilogue,
  GradientContext,
  GradientRule,
  Homogeneity,
  Kept,
  KernelCall,
  Mode,
  Narrowed,
  NarrowRule,
  OnnxConstant,
  OnnxForm,
  OnnxSource,
  ParameterSlice,
} from './graph.js';
export {
  Network,
  type AveragePoolOptions,
  type BatchNormOptions,
  type ConvOptions,
  type CropOptions,
  type LinearOptions,
  type MaxPoolOptions,
  type NodeOptions,
  type PaddingOption,
  type PoolOptions,
  type ResizeOptions,
  type Size,
} from './network.js';
export * as ops from './ops/index.js';
export { initialWeights, type Weights } from './weights.js';
export { toOnnx, type ExportOptions } from './onnx/export.js';
export { fromOnnx, type ImportOptions } from './onnx/import.js';

// Search space and sub-networks.
export { searchSpace, type Group, type SearchSpace, type Segment } from './search/space.js';
export type { Member } from './search/losses.js';
export type { Target } from './search/selection.js';
export type { MissingOperator, Unsupported } from './ops/opaque.js';
export { inspectDocument, type InspectDocument } from './search/inspect.js';
export { addGates, type Gated } from './search/gates.js';
export { foldGates } from './search/fold-gates.js';
export { constructSubnet, type Subnet } from './search/subnet.js';
export { constructVerified, type VerifiedSubnet } from './train/construct.js';

// Data.
export { datasetNames, type DatasetName } from './data/names.js';
export { openDataset, type OpenOptions } from './data/open.js';
export { collectDataset, type Sample, type Samples, type SampleSource } from './data/collect.js';
export type { Dataset, Normalization, Split } from './data/dataset.js';
export type { ChooseFrame, Frame, Image } from './data/image.js';
export { batches, type Batch, type BatchOptions } from './data/batches.js';
export type { Random } from './random.js';
export {
  centerCrop,
  cutout,
  horizontalFlip,
  randomCrop,
  randomResizedCrop,
  resize,
  type Augmentation,
  type Framing,
} from './data/augment.js';
export { colorJitter, type ColorRanges } from './data/color.js';
export { cutmix, mixup, type Blend, type Mix } from './data/mix.js';

// Training.
export type { Cost } from './train/cost.js';
export { search, type NetworkSummary, type SearchResult, type Summary } from './train/search.js';
export type { SearchRun } from './train/search-run.js';
export type { AblationSettings, SearchOptions, TrainOptions } from './train/options.js';
export { logNames, type LogName } from './train/run-directory.js';
export type { Phase, PlanOptions } from './train/policy.js';
export type { UpdateRule } from './compile/update.js';
export type { Loss } from './compile/loss.js';
export { optimizer, optimizerNames, type Optimizer } from './train/optimizer.js';
export { precisionNames, type Precision } from './train/device-names.js';
export {
  schedule,
  scheduleNames,
  type LearningRate,
  type Schedule,
  type ScheduleShape,
} from './train/schedule.js';
export {
  selectorNames,
  type GroupStatistics,
  type Score,
  type ScoreName,
  type SelectorName,
} from './train/scores.js';
export type {
  EpochProgress,
  ErasureProgress,
  Progress,
  SelectingProgress,
  SelectionProgress,
  StepProgress,
} from './train/progress.js';

// Trained networks.
export type { TrainedNetwork } from './train/verify.js';
export { evaluate, type Evaluation, type EvaluationOptions } from './train/evaluate.js';
export { InferenceNetwork, type InferenceOptions } from './train/inference.js';
export type { Buffers } from './train/device-network.js';

// Pages for people.
export { drawSpace } from './report/space.js';
export { reportPage, writeReport } from './report/run.js';
