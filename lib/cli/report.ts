// `report`: the page of a run.

import type { Command } from 'commander';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type Output, type OutputFlags } from './output.js';

export function declareReport(command: Command): void {
  command
    .argument('<directory>', 'a run directory')
    .option('--serve', 'serve the page to this machine until Ctrl-C, made anew at every visit')
    .action((directory: string, flags: ReportFlags) => report(directory, flags, openOutput(flags)));
  addOutputOptions(command);
  addExamples(
    command,
    ['halfspace report runs/first', 'write runs/first/report.html'],
    ['halfspace report runs/first --serve', 'watch a run that still goes on'],
  );
}

interface ReportFlags extends OutputFlags {
  readonly serve?: boolean;
}

async function report(directory: string, { serve }: ReportFlags, output: Output): Promise<void> {
  const { reportPage, writeReport } = await import('../report/run.js');
  const file = await writeReport(directory);
  if (!serve) return output.result({ file }, () => file);
  const { servePage } = await import('../report/serve.js');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { url, closed } = await servePage(() => reportPage(directory), stop.signal);
  output.result({ file, url }, () => url);
  output.note(`serving the report of ${directory}; reload to see how it goes on, Ctrl-C ends`);
  await closed;
}
