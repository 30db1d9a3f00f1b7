// Trains one of the bench's networks for a few steps and prints by how many bytes the process grew at its
// peak, after it has trained a tiny one: memory-child.ts NETWORK BATCH THREADS STEPS

import { readFileSync } from 'node:fs';
import type { Graph } from '../lib/index.js';
import { subjects, tiny } from './networks.js';
import { Training } from './training.js';

const [name, ...numbers] = process.argv.slice(2);
const [batch = 1, threads = 1, steps = 1] = numbers.map(Number);
const subject = subjects.find((each) => each.name === name);
if (!subject) throw new Error(`no network '${name}'`);

/** A line of /proc/self/status, in bytes. Not `resourceUsage().maxRSS`, which a child has from its parent. */
function statusBytes(key: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}

async function train(graph: Graph, size: number, count: number): Promise<void> {
  using training = await Training.open(graph, size, { threads });
  for (let step = 0; step < count; step += 1) await training.step();
}

await train(tiny(), 1, 1);
const before = statusBytes('VmRSS');
await train(subject.build(), batch, steps);
process.stdout.write(`${statusBytes('VmHWM') - before}\n`);
