// PyTorch as a peer: a Python process that builds the same network and runs training steps on request, so
// that both sides take turns in one benchmark run.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { countParameters, type Graph } from '../lib/index.js';
import type { Precision } from '../lib/train/device-names.js';
import type { Contender } from './measure.js';

const script = fileURLToPath(new URL('pytorch_peer.py', import.meta.url));

/** A Python that has PyTorch. */
export interface PyTorch {
  readonly python: string;
  readonly version: string;
}

/**
 * That of HALFSPACE_PYTHON, a path or a command, which throws where it is of no use; without it that of the project's own
 * virtual environment. Null without either, and where HALFSPACE_PYTHON is empty.
 */
export function findPyTorch(): PyTorch | null {
  const told = process.env['HALFSPACE_PYTHON'];
  if (told === '') return null;
  if (told !== undefined) return pytorchOf(told);
  const local = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
  return existsSync(local) ? pytorchOf(local) : null;
}

function pytorchOf(python: string): PyTorch {
  const program = 'import torch; print(torch.__version__)';
  const { stdout, stderr, status, error } = spawnSync(python, ['-c', program], { encoding: 'utf8' });
  if (status === 0) return { python, version: stdout.trim() };
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `'${python}' is no Python with PyTorch: ${reason}; HALFSPACE_PYTHON names one, or is empty for none`,
  );
}

/** Whether that Python's PyTorch can use a GPU. */
export const pytorchHasCuda = (python: string): boolean =>
  execFileSync(python, ['-c', 'import torch; print(torch.cuda.is_available())'], {
    encoding: 'utf8',
  }).trim() === 'True';

/** What the peer needs to rebuild a network: one plain object a node, names for edges. */
export function describeNetwork(graph: Graph): unknown {
  return {
    inputs: graph.inputs.map((v) => ({ name: v.name, shape: v.type.shape })),
    parameters: graph.parameters.map((p) => ({
      name: p.name,
      shape: p.type.shape,
      trainable: p.trainable,
    })),
    nodes: graph.nodes.map((node) => ({
      op: node.op.name,
      attrs: node.op.attrs,
      inputs: node.inputs.map((v) => v.name),
      outputs: node.outputs.map((v) => v.name),
      shape: node.outputs[0]?.type.shape,
    })),
    output: graph.outputs[0]?.name,
    classes: graph.outputs[0]?.type.shape[1],
  };
}

export interface PeerOptions {
  readonly graph: Graph;
  /** The name in pytorch_networks.py of the same network. */
  readonly handwritten?: string | undefined;
  readonly batch: number;
  readonly threads: number;
  /** As PyTorch names it; `cpu` unless told otherwise. */
  readonly device?: string;
  /** `bf16` computes under `torch.autocast`; everything else as PyTorch does by itself, products in TF32. */
  readonly precision?: Precision;
}

/** PyTorch's memory formats. */
export const layouts = ['contiguous', 'channels_last'] as const;
export type Layout = (typeof layouts)[number];

/** One Python process; requests are answered in order, a JSON line each. */
export class PyTorchPeer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(python: string) {
    this.#process = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const output = this.#process.stdout;
    if (!output) throw new Error('the PyTorch peer has no output');
    // That it has ended is noticed where it does not answer.
    this.#process.stdin?.on('error', () => {});
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** Starts the peer and gives it the network; throws where Python or PyTorch fails. */
  static async start(python: string, options: PeerOptions): Promise<PyTorchPeer> {
    const peer = new PyTorchPeer(python);
    await peer.load(options);
    return peer;
  }

  /** Gives it another network in the place of the one that it has. */
  async load({
    graph,
    handwritten = '',
    batch,
    threads,
    device = 'cpu',
    precision = 'tf32',
  }: PeerOptions): Promise<void> {
    const network = describeNetwork(graph);
    const load = { request: 'load', network, handwritten, batch, threads, device, precision };
    const { parameters } = await this.#ask(load);
    const own = countParameters(graph);
    if (parameters !== own)
      throw new Error(`PyTorch's network has ${String(parameters)} parameters, ours ${own}`);
  }

  /** A contender that trains in one memory format. */
  contender(layout: Layout): Contender {
    return {
      name: `pytorch ${layout}`,
      run: async (count) => {
        const { milliseconds } = await this.#ask({ request: 'steps', layout, count });
        return milliseconds as number[];
      },
    };
  }

  /** Bytes that the process had more at its peak than before it was given the network that it has. */
  async growth(): Promise<number> {
    return Number((await this.#ask({ request: 'growth' }))['bytes']);
  }

  stop(): void {
    this.#process.kill();
  }

  async #ask(message: object): Promise<Record<string, unknown>> {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the PyTorch peer ended early; its error is above');
    return JSON.parse(value) as Record<string, unknown>;
  }
}
