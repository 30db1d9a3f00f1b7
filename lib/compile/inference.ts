// Programs that only run a network forward, on its running statistics.

import { atBatch, type Graph } from '../graph.js';
import { requireSupported } from '../ops/opaque.js';
import { assemble } from './assemble.js';
import type { CompiledProgram } from './compiled.js';
import { fuse } from './fuse.js';
import { arenaLayout } from './layout.js';
import { lower, parameterTensors, tensorFor, type Sink } from './lower.js';
import { share } from './share.js';

export interface InferenceOptions {
  readonly batch: number;
  /** `cpu` unless told otherwise. */
  readonly device?: string;
}

/** One entry, `infer`: all inputs of the network by name -> all its outputs by name. */
export function compileInference(graph: Graph, { batch, device = 'cpu' }: InferenceOptions): CompiledProgram {
  requireSupported(graph);
  const layout = arenaLayout(graph);
  const shared = atBatch(share(graph), batch);
  const network = fuse(shared);
  const inputs = network.inputs.map((value) => [value, tensorFor(value, { kind: 'input' })] as const);
  const sinks = resultSinks(graph, network);
  const sources = new Map([...inputs, ...parameterTensors(network, layout, 0)]);
  const entry = {
    name: 'infer',
    inputs: inputs.map(([, tensor]) => tensor),
    outputs: sinks.map((sink) => sink.tensor),
    steps: lower({ graph: network, mode: 'eval', sources, sinks }),
  };
  const arenas = [{ name: 'parameters', dtype: 'f32' as const, length: layout.total }];
  return {
    program: assemble(device, arenas, [entry]),
    layout,
    passes: [
      { name: 'share', graph: shared },
      { name: 'fuse', graph: network },
    ],
  };
}

/** Results keep the names of the network as it was given, whatever fusion calls them. */
const resultSinks = (given: Graph, network: Graph): readonly Sink[] =>
  network.outputs
    .map((value, index) => ({
      value,
      tensor: tensorFor(value, { kind: 'output' }, given.outputs[index]?.name),
    }))
    .filter((sink, index, all) => all.findIndex((other) => other.tensor.name === sink.tensor.name) === index);
