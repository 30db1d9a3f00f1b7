// Runs a search for the command line: a folder for it, a progress bar, Ctrl-C, and the table at the end.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { HalfspaceError } from '../errors.js';
import type { Graph } from '../graph.js';
import { formatCount, formatIds, formatPercent, formatShare } from '../report/numbers.js';
import type { SearchOptions } from '../train/options.js';
import { search, type SearchResult, type Summary } from '../train/search.js';
import { rebase } from './config-paths.js';
import type { Settings } from './config-schema.js';
import type { Colors } from './colors.js';
import { InterruptedError, stopOnInterrupt } from './interrupt.js';
import type { Output } from './output.js';
import { showProgress } from './progress.js';
import { formatTable } from './table.js';

export interface RunContext {
  /** Names the folder where none was given. */
  readonly title: string;
  /** What was asked for, kept with the run. */
  readonly settings: Settings;
  readonly output: Output;
}

export async function runSearch(
  graph: Graph,
  dataset: Dataset,
  options: SearchOptions,
  { title, settings, output }: RunContext,
): Promise<void> {
  const directory = options.directory ?? freeDirectory(title, options.resume ?? false);
  const progress = showProgress(output);
  const interrupt = stopOnInterrupt(output);
  try {
    const result = await search(graph, dataset, {
      ...options,
      directory,
      origin: rebase(settings, '.', directory),
      stop: interrupt.signal,
      onProgress: progress.update,
    });
    progress.end();
    const files = ['super.onnx', 'sub.onnx', 'summary.json', ...(await leaveReport(directory, output))];
    conclude(result, { directory, files, output });
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
async function leaveReport(directory: string, { note }: Output): Promise<readonly string[]> {
  try {
    const { writeReport } = await import('../report/run.js');
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
  readonly output: Output;
}

/** Throws InterruptedError after a run that was stopped. */
function conclude({ complete, summary }: SearchResult, { directory, files, output }: Conclusion): void {
  output.result({ directory, complete, ...summary }, (colors) =>
    summary ? describeSummary(summary, directory, files, colors) : `stopped: ${directory}`,
  );
  if (complete) return;
  output.note(`halfspace train --out ${directory} --resume goes on from here`);
  throw new InterruptedError();
}

function describeSummary(
  summary: Summary,
  directory: string,
  files: readonly string[],
  colors: Colors,
): string {
  const { supernet, subnet, erased, maxDifference, seconds } = summary;
  const table = formatTable(
    colors,
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
          colors.dim(
            '(accuracy of the super-network: when the segments were chosen, before training went on without them)',
          ),
        ]
      : []),
    `erased segments: ${formatIds(erased) || 'none'}`,
    `largest output difference: ${maxDifference.toExponential(1)}, training took ${seconds.toFixed(0)} s`,
    '',
    ...files.map((file) => `  ${colors.cyan(join(directory, file))}`),
  ].join('\n');
}
