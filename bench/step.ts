// How long is a training step (forward, backward, SGD momentum update), against PyTorch's two layouts?

import { measure, timed, type Contender } from './measure.js';
import { subjects, type Subject } from './networks.js';
import { layouts, PyTorchPeer } from './peer.js';
import type { BenchContext, Benchmark, Result } from './report.js';
import { Training } from './training.js';

const nameOf = ({ name }: Subject): string => `step/${name}`;

export const steps: Benchmark = {
  names: subjects.map(nameOf),
  async *run(context) {
    for (const subject of subjects) {
      const name = nameOf(subject);
      if (context.selected(name)) yield await benchStep(name, subject, context);
    }
  },
};

async function benchStep(name: string, subject: Subject, context: BenchContext): Promise<Result> {
  const { python, threads } = context;
  const precision = context.precision === null ? {} : { precision: context.precision };
  const graph = subject.build();
  const batch = context.short ? 2 : subject.batch;
  using training = await Training.open(graph, batch, { threads, ...precision });
  const ours = timed('halfspace', () => training.step());
  if (python === null) return { name, ours: (await measure([ours], context.timing))[0]?.median ?? NaN };
  const options = { graph, handwritten: subject.handwritten, batch, threads, ...precision };
  const peer = await PyTorchPeer.start(python, options);
  try {
    return { name, ...(await against(peer, ours, context)) };
  } finally {
    peer.stop();
  }
}

/** Ours against the better of PyTorch's layouts. */
async function against(
  peer: PyTorchPeer,
  ours: Contender,
  { timing }: BenchContext,
): Promise<Omit<Result, 'name'>> {
  const rivals = layouts.map((layout) => peer.contender(layout));
  const [own, ...others] = (await measure([ours, ...rivals], timing)).map(({ median }) => median);
  return {
    ours: own as number,
    peer: Math.min(...others),
    details: Object.fromEntries(layouts.map((layout, index) => [layout, others[index] as number])),
  };
}
