// Runs a search for the command line: a folder for it, a progress bar, Ctrl-C, and the table at the end.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  HalfspaceError,
  search,
  type Dataset,
  type Graph,
  type SearchOptions,
  type SearchResult,
  type Summary,
} from '../index.js';
import { writeReport } from '../report/run.js';
import { InterruptedError, stopOnInterrupt } from './interrupt.js';
import { formatCount, formatPercent, formatShare, formatTable, note, print, printJson } from './output.js';
import { showProgress } from './progress.js';

export interface RunStyle {
  /** Names the folder where none was given. */
  readonly title: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

export async function runSearch(
  graph: Graph,
  dataset: Dataset,
  options: SearchOptions,
  { title, quiet, json }: RunStyle,
): Promise<void> {
  const directory = options.directory ?? freeDirectory(title, options.resume ?? false);
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
    const files = ['super.onnx', 'sub.onnx', 'summary.json', ...(await leaveReport(directory))];
    conclude(result, { directory, files, json });
  } finally {
    progress.end();
    interrupt.release();
  }
}

/** `runs/title`, or with a number behind it where that is taken. Throws ERR_OPTION for a run that shall go on. */
function freeDirectory(title: string, resume: boolean): string {
  if (resume) throw new HalfspaceError('ERR_OPTION', '--resume needs --out with the folder of the run');
  const path = join('runs', title);
  if (!existsSync(path)) return path;
  let number = 2;
  while (existsSync(`${path}-${number}`)) number += 1;
  return `${path}-${number}`;
}

/** The page, where it could be written: one that cannot does not spoil the run behind it. */
async function leaveReport(directory: string): Promise<readonly string[]> {
  try {
    await writeReport(directory);
    return ['report.html'];
  } catch (error) {
    note(`no report was written: ${(error as Error).message}`);
    return [];
  }
}

interface Conclusion {
  readonly directory: string;
  /** Names of the files worth naming. */
  readonly files: readonly string[];
  readonly json: boolean;
}

function conclude({ complete, summary }: SearchResult, { directory, files, json }: Conclusion): void {
  if (json) printJson({ directory, complete, ...summary });
  else if (summary) print(describeSummary(summary, directory, files));
  if (complete) return;
  note(`stopped; the same command with --out ${directory} --resume goes on from here`);
  throw new InterruptedError();
}

function describeSummary(summary: Summary, directory: string, files: readonly string[]): string {
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
    ...files.map((file) => `  ${join(directory, file)}`),
  ].join('\n');
}
