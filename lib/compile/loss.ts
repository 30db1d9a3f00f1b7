// What training minimises: a classifier with its loss at the end, softmax cross-entropy or a loss of the
// user's own. Compiling it is training.ts's matter.

import { HalfspaceError } from '../errors.js';
import { extend, producer, type Graph, type Node, type Value } from '../graph.js';
import { Network } from '../network.js';
import { clip, divide, multiply, reduceSum, softmaxCrossEntropy } from '../ops/index.js';
import { objective } from '../ops/loss.js';
import { formatType, sameType, type TensorType } from '../shape.js';

/**
 * A loss of one's own: adds nodes to the network and returns the loss of every image, [N]. `logits` is
 * what the network says, [N, K]; `targets` what is true, [N, K]: rows sum to one, or are zero where there
 * is no image. What is minimised is the mean over the images. A loss has no parameters.
 */
export type Loss = (network: Network, logits: Value, targets: Value) => Value;

/** What a network is to be trained for. */
export interface Objective {
  /** Softmax cross-entropy unless told. */
  readonly loss?: Loss | null;
  /** Label smoothing of cross-entropy, 0 unless told. */
  readonly smoothing?: number;
  /** Whether cross-entropy is given probabilities f32 [N, K] instead of class indices i32 [N]. */
  readonly softTargets?: boolean;
}

/** An input of the program, by the name it has there. */
export interface Given {
  readonly name: 'images' | 'labels' | 'targets';
  readonly value: Value;
}

/** A network that ends in its loss and in the number of images that it gets right. */
export interface Classifier {
  readonly graph: Graph;
  readonly inputs: readonly Given[];
  readonly loss: Value;
  readonly correct: Value;
}

/** Adds the loss to a network from images to logits or to their softmax; throws ERR_GRAPH for any other. */
export function withLoss(network: Graph, { loss, ...options }: Objective): Classifier {
  return loss ? withOwnLoss(network, loss) : withCrossEntropy(network, options);
}

function withCrossEntropy(network: Graph, { smoothing = 0, softTargets = false }: Objective): Classifier {
  const { images, logits } = classification(network);
  const builder = extend(network);
  const labels = builder.input('labels', softTargets ? logits.type : classIndices(logits));
  const results = builder.emit(softmaxCrossEntropy({ smoothing }), [logits, labels], 'loss');
  const [loss, , correct] = results as readonly [Value, Value, Value];
  const inputs = [{ name: 'images', value: images } as const, { name: 'labels', value: labels } as const];
  return { graph: builder.graph([loss, correct]), inputs, loss, correct };
}

/** Cross-entropy still counts what is right. */
function withOwnLoss(network: Graph, own: Loss): Classifier {
  const counted = withCrossEntropy(network, {});
  const { logits } = classification(network);
  const builder = extend(counted.graph);
  const targets = builder.input('targets', logits.type);
  const net = new Network(builder.graph([counted.correct]));
  const losses = own(net, logits, targets);
  requireOneEach(losses, logits);
  const loss = net.apply(objective(), [meanOverImages(net, losses, targets)], { name: 'objective' });
  const graph = net.graph([loss, counted.correct]);
  requireNoParameters(network, graph);
  return { ...counted, graph, inputs: [...counted.inputs, { name: 'targets', value: targets }], loss };
}

/** [N], [N, K] -> [1]; an image counts as much as its targets sum to. */
function meanOverImages(net: Network, losses: Value, targets: Value): Value {
  const total = (x: Value, axis: number): Value =>
    net.apply(reduceSum({ axes: [axis], keep: axis === 0 }), [x]);
  const shares = total(targets, 1);
  const images = net.apply(clip(1, Infinity), [total(shares, 0)]);
  return net.apply(divide(), [total(net.apply(multiply(), [losses, shares]), 0), images]);
}

const classIndices = (logits: Value): TensorType => ({ dtype: 'i32', shape: logits.type.shape.slice(0, 1) });

function requireOneEach(losses: Value, logits: Value): void {
  const expected: TensorType = { dtype: 'f32', shape: logits.type.shape.slice(0, 1) };
  if (sameType(losses.type, expected)) return;
  throw new HalfspaceError(
    'ERR_SHAPE',
    `loss: expected one number for each image, ${formatType(expected)}, got ${formatType(losses.type)}`,
  );
}

function requireNoParameters(network: Graph, graph: Graph): void {
  const own = graph.parameters.slice(network.parameters.length).map(({ name }) => `'${name}'`);
  if (own.length === 0) return;
  throw new HalfspaceError('ERR_GRAPH', `loss: expected no parameters of its own, got ${own.join(', ')}`);
}

/** The node that turns logits into the probabilities that a network ends in; null where it ends in logits. */
export function nodeAfterLogits({ outputs: [output] }: Graph): Node | null {
  const node = output ? producer(output) : null;
  const axis = node?.op.probabilities ?? null;
  if (!output || !node || axis === null || node.outputs[0] !== output) return null;
  const rank = output.type.shape.length;
  return (axis + rank) % rank === CLASSES ? node : null;
}

/** The axis of logits [N, K] along which the classes lie. */
const CLASSES = 1;

/**
 * Images and logits; probabilities stay an output of the network, but are not what is trained. Throws ERR_GRAPH
 * for a network that does not sort images into classes.
 */
export function classification(network: Graph): { readonly images: Value; readonly logits: Value } {
  const [images, ...others] = network.inputs;
  const logits = nodeAfterLogits(network)?.inputs[0] ?? network.outputs[0];
  if (images && others.length === 0 && logits?.type.shape.length === 2) return { images, logits };
  throw new HalfspaceError(
    'ERR_GRAPH',
    `expected a network of one input, images, and logits [N, K] as its first output; got ${signature(network)}`,
  );
}

const signature = ({ inputs, outputs }: Graph): string => `${listTypes(inputs)} -> ${listTypes(outputs)}`;

const listTypes = (values: readonly Value[]): string =>
  `(${values.map((value) => formatType(value.type)).join(', ')})`;
