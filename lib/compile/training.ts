// The program that trains a network: up to three entries over the same arenas. `train` goes forward and
// backward and updates, `probe` and `eval` measure. The network's first input is the images, its first
// output the logits, or their softmax, before which the loss is then taken.
//
//   train   images labels hyper ceilings -> loss correct statistics
//   probe   images labels -> loss correct      statistics of the batch, changes nothing
//   eval    images labels -> loss correct      running statistics
//
// A loss of the user's own also takes `targets`, after `labels`.
//
// Arenas: `parameters`, and with the extent of the trainable ones `gradients`, `state1` and, for adam
// and adamw, `state2`. What hyper, ceilings and statistics hold is said in update.ts.

import { invariant } from '../errors.js';
import { atBatch, type Graph, type Mode, type Parameter, type Value } from '../graph.js';
import { gradients, type Differentiated } from '../grad.js';
import { requireSupported } from '../ops/opaque.js';
import { f32, type Shape, type TensorType } from '../shape.js';
import { assemble, type DraftEntry, type DraftStep } from './assemble.js';
import type { CompiledProgram } from './compiled.js';
import { fuse } from './fuse.js';
import { arenaLayout, offsetOf, type ArenaLayout } from './layout.js';
import { lower, parameterTensors, tensor, tensorFor, type Sink } from './lower.js';
import { withLoss, type Classifier, type Objective } from './loss.js';
import type { Arena, Tensor } from './program.js';
import { share } from './share.js';
import { HYPER, STATISTICS, updateAttributes, type Span, type UpdateRule } from './update.js';

/** Measuring never smooths, and takes class indices. */
export interface TrainingOptions extends Objective {
  readonly batch: number;
  /** `cpu` unless told otherwise. */
  readonly device?: string;
  readonly rule: UpdateRule;
  /** For sgd. */
  readonly nesterov?: boolean;
  /** Elements of each group in the parameter arena (see `arenaLayout`); groups do not overlap. */
  readonly groups: readonly (readonly Span[])[];
  /** Whether there is to be the entry `probe`, which only ablation runs; there is unless told. */
  readonly probe?: boolean;
}

/**
 * Compiles a network for training. Throws ERR_GRAPH where it is not images in, logits out, and
 * ERR_UNSUPPORTED where it cannot be differentiated.
 */
export function compileTraining(graph: Graph, options: TrainingOptions): CompiledProgram {
  requireSupported(graph);
  const layout = arenaLayout(graph);
  checkGroups(options.groups, layout);
  const shared = atBatch(share(graph), options.batch);
  const network = fuse(shared);
  const measured = withLoss(network, options.loss ? { loss: options.loss } : {});
  const trained = options.smoothing || options.softTargets ? withLoss(network, options) : measured;
  const backward = gradients(trained.graph, trained.loss, trainable(network));
  const parameters = parameterTensors(network, layout, PARAMETERS);
  const measuring = options.probe === false ? (['eval'] as const) : (['probe', 'eval'] as const);
  const entries = [
    trainEntry(trained, backward, parameters, layout, options),
    ...measuring.map((mode) => ({ name: mode, ...forward(measured, parameters, mode) })),
  ];
  return {
    program: assemble(options.device ?? 'cpu', arenas(layout, options.rule), entries),
    layout,
    passes: [
      { name: 'share', graph: shared },
      { name: 'fuse', graph: network },
      { name: 'loss', graph: trained.graph },
      { name: 'gradients', graph: backward.graph },
    ],
  };
}

const trainable = (graph: Graph): readonly Parameter[] => graph.parameters.filter((p) => p.trainable);

/** An entry but for its name. */
type Body = Omit<DraftEntry, 'name'>;

/** All entries read the same `parameters`. */
function forward(
  classifier: Classifier,
  parameters: ReadonlyMap<Value, Tensor>,
  mode: Mode,
  more: readonly Sink[] = [],
): Body {
  const { graph } = classifier;
  const inputs = classifier.inputs.map(({ name, value }) => tensorFor(value, { kind: 'input' }, name));
  const results = (['loss', 'correct'] as const).map((name) => ({
    value: classifier[name],
    tensor: tensorFor(classifier[name], { kind: 'output' }, name),
  }));
  const sources = new Map(parameters);
  classifier.inputs.forEach(({ value }, index) => sources.set(value, inputs[index] as Tensor));
  const steps = lower({ graph, mode, sources, sinks: [...results, ...more] });
  return { inputs, outputs: results.map((sink) => sink.tensor), steps };
}

function trainEntry(
  classifier: Classifier,
  backward: Differentiated,
  parameters: ReadonlyMap<Value, Tensor>,
  layout: ArenaLayout,
  options: TrainingOptions,
): DraftEntry {
  const sinks = trainable(classifier.graph).flatMap((parameter, index) => {
    const value = backward.gradients[index];
    return value ? [gradientSink(parameter, value, layout)] : [];
  });
  const body = forward({ ...classifier, graph: backward.graph }, parameters, 'train', sinks);
  const { step, hyper, ceilings, statistics } = updateStep(layout, options);
  return {
    name: 'train',
    inputs: [...body.inputs, hyper, ceilings],
    outputs: [...body.outputs, statistics],
    steps: [...body.steps, step],
  };
}

/** The gradient of a parameter lies in its arena where the parameter lies in its own. */
const gradientSink = (parameter: Value, value: Value, layout: ArenaLayout): Sink => ({
  value,
  tensor: tensorFor(
    value,
    { kind: 'arena', arena: GRADIENTS, offset: offsetOf(layout, parameter.name) },
    `${parameter.name}.gradient`,
  ),
});

/** The fused optimizer step over the whole arenas. */
function updateStep(layout: ArenaLayout, { rule, nesterov = false, groups }: TrainingOptions) {
  const hyper = tensor('hyper', f64([HYPER.length]), { kind: 'input' });
  const ceilings = tensor('ceilings', f64([groups.length]), { kind: 'input' });
  const statistics = tensor('statistics', f64([groups.length, STATISTICS.length]), { kind: 'output' });
  const [parameters, gradient, ...states] = arenas(layout, rule).map(({ name }, arena) =>
    tensor(name, f32([layout.trainable]), { kind: 'arena', arena, offset: 0 }),
  ) as [Tensor, Tensor, ...Tensor[]];
  const step: DraftStep = {
    kernel: 'update',
    inputs: [parameters, gradient, ...states, hyper, ceilings],
    outputs: [parameters, ...states, statistics],
    attrs: updateAttributes(rule, nesterov, groups),
    label: 'update',
  };
  return { step, hyper, ceilings, statistics };
}

/** Positions in `arenas`. */
const PARAMETERS = 0;
const GRADIENTS = 1;

const arenas = (layout: ArenaLayout, rule: UpdateRule): readonly Arena[] => [
  { name: 'parameters', dtype: 'f32', length: layout.total },
  ...['gradients', 'state1', ...(rule === 'sgd' ? [] : ['state2'])].map((name): Arena => ({
    name,
    dtype: 'f32',
    length: layout.trainable,
  })),
];

const f64 = (shape: Shape): TensorType => ({ dtype: 'f64', shape });

function checkGroups(groups: TrainingOptions['groups'], layout: ArenaLayout): void {
  groups.forEach((spans, group) => {
    for (const { offset, length, stride } of spans) {
      const end = offset + (length - 1) * stride;
      invariant(
        offset >= 0 && length > 0 && stride > 0 && end < layout.trainable,
        `group ${group} spans ${offset} to ${end}, but ${layout.trainable} elements are trainable`,
      );
    }
  });
}
