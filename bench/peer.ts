// PyTorch as a peer: a Python process that builds the same network from its description and runs training
// steps on request, so that both sides take turns in one benchmark run.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Graph } from '../lib/index.js';
import type { Contender } from './measure.js';

const script = fileURLToPath(new URL('pytorch_peer.py', import.meta.url));

/** The Python to use: HALFSPACE_PYTHON, or the project's own virtual environment; null without one. */
export function findPython(): string | null {
  const local = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
  const candidate = process.env['HALFSPACE_PYTHON'] ?? local;
  return existsSync(candidate) ? candidate : null;
}

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
  };
}

export interface PeerOptions {
  readonly graph: Graph;
  readonly batch: number;
  readonly threads: number;
}

/** One Python process; requests are answered in order, a JSON line each. */
export class PyTorchPeer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(python: string) {
    this.#process = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const output = this.#process.stdout;
    if (!output) throw new Error('the PyTorch peer has no output');
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** Starts the peer and gives it the network; throws where Python or PyTorch fails. */
  static async start(python: string, { graph, batch, threads }: PeerOptions): Promise<PyTorchPeer> {
    const peer = new PyTorchPeer(python);
    await peer.#ask({ request: 'load', network: describeNetwork(graph), batch, threads });
    return peer;
  }

  /** A contender that trains in one memory format, `contiguous` or `channels_last`. */
  contender(layout: 'contiguous' | 'channels_last'): Contender {
    return {
      name: `pytorch ${layout}`,
      run: async (count) => {
        const { milliseconds } = await this.#ask({ request: 'steps', layout, count });
        return milliseconds as number[];
      },
    };
  }

  async version(): Promise<string> {
    return String((await this.#ask({ request: 'version' }))['version']);
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
