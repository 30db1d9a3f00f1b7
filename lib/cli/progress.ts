// Progress of a run on stderr: one bar on a terminal, a line now and then elsewhere.

import cliProgress from 'cli-progress';
import type { Progress, StepProgress } from '../index.js';
import { formatCount, formatPercent, formatSeconds, formatSegments } from '../report/numbers.js';
import type { Output } from './output.js';

export interface ProgressView {
  readonly update: (event: Progress) => void;
  /** Takes the bar away; may be called twice. */
  readonly end: () => void;
}

/** Shows the steps between other events. */
interface StepsView {
  readonly show: (event: StepProgress) => void;
  /** Something else than a step follows; may be called twice. */
  readonly pause: () => void;
}

const silent: ProgressView = { update: () => undefined, end: () => undefined };

interface Surroundings {
  readonly isTTY?: boolean;
  /** Milliseconds. */
  readonly clock?: () => number;
}

export function showProgress(
  { quiet, note }: Output,
  { isTTY = process.stderr.isTTY, clock = () => performance.now() }: Surroundings = {},
): ProgressView {
  if (quiet) return silent;
  const steps = isTTY ? stepsBar() : stepsLines(note, clock);
  const update = (event: Progress): void => {
    if (event.kind === 'step') return steps.show(event);
    steps.pause();
    note(describe(event));
  };
  return { update, end: steps.pause };
}

/** What selection takes is not known before it, so that only the steps behind it can be foreseen. */
const isForeseeable = ({ phase }: StepProgress): boolean => phase !== 'warm-up';

function stepsBar(): StepsView {
  let foreseeable = false;
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: '{bar} {percentage}% | epoch {epoch} | {phase} | loss {loss} | {rate} images/s{eta_formatted}',
    // Nothing until there is something to go by.
    formatTime: (seconds, options, roundTo) =>
      foreseeable && seconds > 0 ? ` | ${cliProgress.Format.TimeFormat(seconds, options, roundTo)} left` : '',
    barsize: 24,
    hideCursor: true,
    forceRedraw: true,
    etaBuffer: 50,
  });
  let running = false;
  const pause = (): void => {
    if (running) bar.stop();
    running = false;
  };
  const show = (event: StepProgress): void => {
    foreseeable = isForeseeable(event);
    if (!running) bar.start(event.steps, event.step - 1, payload(event));
    running = true;
    bar.update(event.step, payload(event));
  };
  return { show, pause };
}

/** Milliseconds between lines, where nothing else is to tell. */
const lineInterval = 10_000;

/** Where nothing moves nothing is printed, so that no line is there twice. */
function stepsLines(note: Output['note'], clock: () => number): StepsView {
  let printed = -Infinity;
  let first: { readonly step: number; readonly at: number } | null = null;
  const show = (event: StepProgress): void => {
    const now = clock();
    first ??= { step: event.step, at: now };
    if (now - printed < lineInterval) return;
    printed = now;
    const left = ((event.steps - event.step) * (now - first.at)) / (event.step - first.step) / 1000;
    note(stepLine(event, isForeseeable(event) && Number.isFinite(left) ? left : 0));
  };
  return { show, pause: () => void (first = null) };
}

function stepLine(event: StepProgress, secondsLeft: number): string {
  const { epoch, phase, loss, rate } = payload(event);
  const percentage = Math.floor((100 * event.step) / event.steps);
  const left = secondsLeft > 0 ? ` | ${formatSeconds(secondsLeft)} left` : '';
  return `${percentage}% | epoch ${epoch} | ${phase} | loss ${loss} | ${rate} images/s${left}`;
}

const payload = (event: StepProgress) => ({
  epoch: `${event.epoch}/${event.epochs}`,
  phase: event.phase,
  loss: event.loss.toFixed(3),
  rate: event.imagesPerSecond.toFixed(0),
});

function describe(event: Exclude<Progress, StepProgress>): string {
  switch (event.kind) {
    case 'epoch':
      return `${Number.isInteger(event.epoch) ? `epoch ${event.epoch}` : `step ${event.step}`}: loss ${event.trainLoss.toFixed(3)}, test accuracy ${formatPercent(event.testAccuracy)}`;
    case 'selecting':
      return 'selecting';
    case 'selection':
      return `chose ${formatSegments(event.segments)} (super-network: ${formatPercent(event.accuracy)})`;
    case 'erasure':
      return `erased: ${formatCount(event.params)} parameters, ${formatCount(event.macs)} multiply-accumulates left`;
  }
}
