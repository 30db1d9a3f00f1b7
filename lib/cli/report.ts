// `report`: the page of a run.

import type { Command } from 'commander';
import { note, print, printJson } from './output.js';

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('Write the page of a run: curves, segment graph, and what was erased.')
    .argument('<directory>', 'a run directory')
    .option('--serve', 'serve the page to this machine until Ctrl-C, made anew at every visit')
    .option('--json', 'print one JSON document')
    .action(report);
}

interface ReportOptions {
  readonly serve?: boolean;
  readonly json?: boolean;
}

async function report(directory: string, { serve, json }: ReportOptions): Promise<void> {
  const { reportPage, writeReport } = await import('../report/run.js');
  const file = await writeReport(directory);
  if (!serve) return json ? printJson({ file }) : print(file);
  const { servePage } = await import('../report/serve.js');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { url, closed } = await servePage(() => reportPage(directory), stop.signal);
  if (json) printJson({ file, url });
  else print(url);
  note(`serving the report of ${directory}; reload to see how it goes on, Ctrl-C ends`);
  await closed;
}
