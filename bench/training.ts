// A network ready to be trained on made-up images, for whoever times or watches its steps.

import { placeWeights } from '../lib/compile/layout.js';
import type { Program } from '../lib/compile/program.js';
import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { atBatch, type Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';
import { writePlaced } from '../lib/train/device-network.js';
import { Session, type Arrays, type SessionOptions } from '../lib/train/session.js';
import type { NativeArray } from '../lib/train/native.js';
import { initialWeights } from '../lib/weights.js';

/** Dispose of it when done. */
export class Training implements Disposable {
  readonly program: Program;
  readonly session: Session;
  readonly #example: Arrays;
  readonly #settings: Arrays;
  #staged = false;

  private constructor(program: Program, session: Session, { hyper, ceilings, ...example }: Inputs) {
    this.program = program;
    this.session = session;
    this.#example = example;
    this.#settings = { hyper, ceilings };
  }

  static async open(graph: Graph, batch: number, options: SessionOptions, device = 'cpu'): Promise<Training> {
    const { program, layout } = compileTraining(graph, { batch, device, rule: 'sgd', groups: [] });
    const session = await Session.open(program, options);
    writePlaced(session, 'parameters', placeWeights(layout, graph, initialWeights(graph, 0)));
    return new Training(program, session, inputsFor(graph, batch));
  }

  /** Forward, backward and SGD momentum update, on the same images every time, while those of the next step travel. */
  async step(): Promise<void> {
    const example = this.#staged ? {} : this.#example;
    const step = this.session.run('train', { ...example, ...this.#settings });
    this.#staged = this.session.stage('train', this.#example);
    await step;
  }

  [Symbol.dispose](): void {
    this.session.dispose();
  }
}

type Inputs = Record<'images' | 'labels' | 'hyper' | 'ceilings', NativeArray>;

function inputsFor(graph: Graph, batch: number): Inputs {
  const shape = atBatch(graph, batch).inputs[0]?.type.shape ?? [];
  const stream = random(1);
  const classes = graph.outputs[0]?.type.shape[1] ?? 1;
  return {
    images: Float32Array.from({ length: elements(shape) }, () => stream.normal()),
    labels: Int32Array.from({ length: batch }, () => stream.below(classes)),
    hyper: hyper({ learningRate: 1e-3, momentum: 0.9, step: 1 }),
    ceilings: new Float64Array(0),
  };
}

/** The hyper vector with the named entries, the rest zero. */
const hyper = (values: Partial<Record<(typeof HYPER)[number], number>>): Float64Array =>
  Float64Array.from(HYPER, (name) => values[name] ?? 0);
