// How close does the fused update come to the bandwidth of a plain copy? Both run on the same threads, over
// arenas far larger than any cache. update-bytes.ts says what the update must move; the same bytes give the
// least time that an H100 needs.

import { Session } from '../lib/train/session.js';
import { measure, timed } from './measure.js';
import type { BenchContext, Benchmark, Result } from './report.js';
import { h100Milliseconds } from './update-bytes.js';
import { bytesOfUpdate, fillArenas, updateInputs, updateProgram, updates, type Update } from './updates.js';

const nameOf = ({ name }: Update): string => `half-space/${name}`;

export const halfSpace: Benchmark = {
  names: updates.map(nameOf),
  async *run(context) {
    const length = context.short ? 1 << 20 : 1 << 25;
    for (const update of updates) {
      const name = nameOf(update);
      if (context.selected(name)) yield await benchUpdate(name, update, length, context);
    }
  },
};

async function benchUpdate(
  name: string,
  update: Update,
  length: number,
  context: BenchContext,
): Promise<Result> {
  using session = await Session.open(updateProgram(update, { length }), { threads: context.threads });
  fillArenas(session, length);
  const inputs = updateInputs(update);
  const [own, copy] = await measure(
    [timed('update', () => session.run('update', inputs)), timed('copy', () => session.run('copy', {}))],
    context.timing,
  );
  const bytes = bytesOfUpdate(update, length);
  const bandwidth = bytes / (own?.median ?? NaN) / 1e6;
  const copyBandwidth = (8 * length) / (copy?.median ?? NaN) / 1e6;
  return {
    name,
    ours: own?.median ?? NaN,
    details: {
      'GB/s': bandwidth,
      'copy GB/s': copyBandwidth,
      'share of copy': bandwidth / copyBandwidth,
      'bytes a parameter': bytes / length,
      'H100 at least, ms': h100Milliseconds(bytes),
    },
  };
}
