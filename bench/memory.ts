// How much memory does training take at its peak, against PyTorch's thriftier layout? Each side in processes
// of its own, less what they had resident before they were given the network. Both have trained a tiny one by then:
// pages of libraries that are touched for the first time belong to no network.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { subjects, tiny, type Subject } from './networks.js';
import { layouts, PyTorchPeer, type Layout } from './peer.js';
import type { BenchContext, Benchmark, Result } from './report.js';

/** Enough that everything is allocated that ever will be. */
const STEPS = 4;

const nameOf = ({ name }: Subject): string => `memory/${name}`;

export const memory: Benchmark = {
  names: subjects.map(nameOf),
  async *run(context) {
    for (const subject of subjects) {
      if (context.selected(nameOf(subject))) yield await benchSubject(subject, context);
    }
  },
};

async function benchSubject(subject: Subject, context: BenchContext): Promise<Result> {
  const name = nameOf(subject);
  const batch = context.short ? 2 : subject.batch;
  const ours = await ownMegabytes(subject.name, batch, context.threads);
  if (context.python === null) return { name, unit: 'MB', ours };
  const details: Partial<Record<Layout, number>> = {};
  for (const layout of layouts) {
    details[layout] = await peerMegabytes(context.python, layout, { ...context, subject, batch });
  }
  return { name, unit: 'MB', ours, peer: Math.min(...Object.values(details)), details };
}

const child = fileURLToPath(new URL('memory-child.ts', import.meta.url));

async function ownMegabytes(name: string, batch: number, threads: number): Promise<number> {
  const args = ['--import', 'tsx', child, name, String(batch), String(threads), String(STEPS)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout) / 1e6;
}

async function peerMegabytes(
  python: string,
  layout: Layout,
  {
    subject,
    batch,
    threads,
  }: { readonly subject: Subject; readonly batch: number; readonly threads: number },
): Promise<number> {
  const peer = await PyTorchPeer.start(python, { graph: tiny(), batch: 1, threads });
  try {
    await peer.contender(layout).run(1);
    await peer.load({ graph: subject.build(), handwritten: subject.handwritten, batch, threads });
    await peer.contender(layout).run(STEPS);
    return (await peer.growth()) / 1e6;
  } finally {
    peer.stop();
  }
}
