// The events of a run as scalars for TensorBoard, in a file that it finds in the run directory.

import { appendFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { eventRecord, sessionStart, type EventMessage } from './event-file.js';
import type { Progress } from './progress.js';
import type { RunLog } from './run-log.js';

/** A file for this process; TensorBoard reads all of a folder, in the order of their names. */
export function tensorboardLog(directory: string): RunLog {
  const began = String(Math.floor(now())).padStart(10, '0');
  const path = join(directory, `events.out.tfevents.${began}.${hostname()}.${process.pid}`);
  const write = (event: Omit<EventMessage, 'wallTime'>): Promise<void> =>
    appendFile(path, eventRecord({ wallTime: now(), ...event }));
  return {
    async begin(step) {
      await write({ fileVersion: 'brain.Event:2' });
      if (step > 0) await write({ step: step + 1, sessionLog: { status: sessionStart } });
    },
    append: (event) => write({ step: event.step, summary: { value: scalars(event) } }),
  };
}

const now = (): number => Date.now() / 1000;

type Scalar = { readonly tag: string; readonly simpleValue: number };

/** What of an event is a number that moves. */
const scalars = (event: Progress): readonly Scalar[] =>
  Object.entries(named(event)).map(([tag, simpleValue]) => ({ tag, simpleValue }));

function named(event: Progress): Readonly<Record<string, number>> {
  switch (event.kind) {
    case 'step':
      return {
        'step/loss': event.loss,
        'step/accuracy': event.accuracy,
        'step/learning_rate': event.learningRate,
        'step/images_per_second': event.imagesPerSecond,
        'search/zero_groups': event.zeroGroups,
      };
    case 'epoch':
      return {
        'train/loss': event.trainLoss,
        'train/accuracy': event.trainAccuracy,
        'test/loss': event.testLoss,
        'test/accuracy': event.testAccuracy,
      };
    case 'selecting':
      return {};
    case 'selection':
      return { 'search/super_network_accuracy': event.accuracy, 'search/chosen_groups': event.groups.length };
    case 'erasure':
      return { 'search/params': event.params, 'search/macs': event.macs };
  }
}
