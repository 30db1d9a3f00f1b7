// A network ready to be trained on made-up images, for whoever times or watches its steps.

import { packWeights } from '../lib/compile/layout.js';
import type { Program } from '../lib/compile/program.js';
import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { atBatch, type Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';
import { Session, type Arrays, type SessionOptions } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';

/** Dispose of it when done. */
export class Training implements Disposable {
  readonly program: Program;
  readonly session: Session;
  readonly #inputs: Arrays;

  private constructor(program: Program, session: Session, inputs: Arrays) {
    this.program = program;
    this.session = session;
    this.#inputs = inputs;
  }

  static async open(graph: Graph, batch: number, options: SessionOptions, device = 'cpu'): Promise<Training> {
    const { program, layout } = compileTraining(graph, { batch, device, rule: 'sgd', groups: [] });
    const session = await Session.open(program, options);
    session.write('parameters', packWeights(layout, graph, initialWeights(graph, 0)));
    return new Training(program, session, inputsFor(graph, batch));
  }

  /** Forward, backward and SGD momentum update, on the same images every time. */
  async step(): Promise<void> {
    await this.session.run('train', this.#inputs);
  }

  [Symbol.dispose](): void {
    this.session.dispose();
  }
}

function inputsFor(graph: Graph, batch: number): Arrays {
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
