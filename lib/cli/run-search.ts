// Runs a search for the command line: a folder for it, a progress bar, Ctrl-C, and the table at the end.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  search,
  type Dataset,
  type Graph,
  type SearchOptions,
  type SearchResult,
  type Summary,
} from '../index.js';
import { writeReport } from '../report/run.js';
import { formatCount, formatPercent, formatShare, formatTable, note, print, printJson } from './output.js';
import { showProgress } from './progress.js';

export interface RunStyle {
  /** Names the folder where none was given. */
  readonly title: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Exit status of a run that Ctrl-C ended, as shells have it. */
const interruptedStatus = 130;

export async function runSearch(
  graph: Graph,
  dataset: Dataset,
  options: SearchOptions,
  { title, quiet, json }: RunStyle,
): Promise<void> {
  const directory = options.directory ?? freeDirectory(title);
  const progress = showProgress(quiet);
  const interrupt = stopOnInterrupt();
  try {
    const result = await search(graph, dataset, {
      ...options,
      directory,
      stop: interrupt.signal,
      onProgress: progress.update,
    });
    progress.end();
    await leaveReport(directory);
    conclude(result, directory, json);
  } finally {
    progress.end();
    interrupt.release();
  }
}

/** `runs/title`, or with a number behind it where that is taken. */
function freeDirectory(title: string): string {
  const path = join('runs', title);
  if (!existsSync(path)) return path;
  let number = 2;
  while (existsSync(`${path}-${number}`)) number += 1;
  return `${path}-${number}`;
}

interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

/** The first Ctrl-C asks the run to stop after its step; a second one ends the process as usual. */
function stopOnInterrupt(): Interrupt {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const release = (): void => signals.forEach((signal) => process.off(signal, stop));
  const stop = (): void => {
    note('\nstopping after this step (press Ctrl-C again to give up)');
    controller.abort();
    release();
  };
  signals.forEach((signal) => process.on(signal, stop));
  return { signal: controller.signal, release };
}

/** A page that cannot be written does not spoil the run behind it. */
async function leaveReport(directory: string): Promise<void> {
  try {
    await writeReport(directory);
  } catch (error) {
    note(`no report was written: ${(error as Error).message}`);
  }
}

function conclude({ complete, summary }: SearchResult, directory: string, json: boolean): void {
  if (!complete) {
    note(`stopped; the same command with --out ${directory} --resume goes on from here`);
    process.exitCode = interruptedStatus;
  }
  if (json) printJson({ directory, complete, ...summary });
  else if (summary) print(describeSummary(summary, directory));
}

function describeSummary(summary: Summary, directory: string): string {
  const { supernet, subnet, erased, maxDifference, seconds } = summary;
  const table = formatTable(
    ['', 'params', 'MACs', 'accuracy'],
    [
      [
        'super-network',
        formatCount(supernet.params),
        formatCount(supernet.macs),
        formatPercent(supernet.accuracy),
      ],
      ['sub-network', formatCount(subnet.params), formatCount(subnet.macs), formatPercent(subnet.accuracy)],
      ['left', formatShare(subnet.params / supernet.params), formatShare(subnet.macs / supernet.macs), ''],
    ],
  );
  const files = ['super.onnx', 'sub.onnx', 'summary.json', 'report.html'].map(
    (file) => `  ${join(directory, file)}`,
  );
  return [
    '',
    table,
    '',
    ...(supernet.measured === 'selection'
      ? [
          '(accuracy of the super-network: when the segments were chosen, before training went on without them)',
        ]
      : []),
    `erased segments: ${erased.join(', ') || 'none'}`,
    `largest output difference: ${maxDifference.toExponential(1)}, training took ${seconds.toFixed(0)} s`,
    '',
    ...files,
  ].join('\n');
}
