// Progress of a run on stderr: one bar on a terminal, a line now and then elsewhere.

import { SingleBar } from 'cli-progress';
import type { Progress, StepProgress } from '../index.js';
import { formatCount, formatPercent, type Output } from './output.js';

export interface ProgressView {
  readonly update: (event: Progress) => void;
  /** Takes the bar away; may be called twice. */
  readonly end: () => void;
}

const silent: ProgressView = { update: () => undefined, end: () => undefined };

export function showProgress({ quiet, note }: Output): ProgressView {
  if (quiet) return silent;
  const bar = new SingleBar({
    stream: process.stderr,
    format:
      '{bar} {percentage}% | epoch {epoch} | {phase} | loss {loss} | {rate} images/s | {eta_formatted} left',
    barsize: 24,
    hideCursor: true,
    noTTYOutput: !process.stderr.isTTY,
    notTTYSchedule: 10_000,
    forceRedraw: true,
    etaBuffer: 50,
  });
  let running = false;
  const end = (): void => {
    if (running) bar.stop();
    running = false;
  };
  const show = (event: StepProgress): void => {
    if (!running) bar.start(event.steps, event.step - 1, payload(event));
    running = true;
    bar.update(event.step, payload(event));
  };
  const update = (event: Progress): void => {
    if (event.kind === 'step') return show(event);
    end();
    note(describe(event));
  };
  return { update, end };
}

const payload = (event: StepProgress): object => ({
  epoch: `${event.epoch}/${event.epochs}`,
  phase: event.phase,
  loss: event.loss.toFixed(3),
  rate: event.imagesPerSecond.toFixed(0),
});

function describe(event: Exclude<Progress, StepProgress>): string {
  switch (event.kind) {
    case 'epoch':
      return `${Number.isInteger(event.epoch) ? `epoch ${event.epoch}` : `step ${event.step}`}: loss ${event.trainLoss.toFixed(3)}, test accuracy ${formatPercent(event.testAccuracy)}`;
    case 'selection':
      return `chose segments ${event.segments.join(', ')} (super-network: ${formatPercent(event.accuracy)})`;
    case 'erasure':
      return `erased: ${formatCount(event.params)} parameters, ${formatCount(event.macs)} multiply-accumulates left`;
  }
}
