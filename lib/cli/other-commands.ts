// `devices` and `report`.

import type { Command } from 'commander';
import { formatTable, note, print, printJson } from './output.js';

export function addDevicesCommand(program: Command): void {
  program
    .command('devices')
    .description('List the devices that can train, and why another cannot.')
    .option('--json', 'print one JSON document')
    .action(devices);
}

async function devices({ json }: { readonly json?: boolean }): Promise<void> {
  const { listDevices } = await import('../train/devices.js');
  const found = listDevices();
  if (json) printJson({ devices: found });
  else
    print(
      formatTable(
        ['device', 'available', 'description'],
        found.map((d) => [d.name, d.available ? 'yes' : 'no', d.description]),
      ),
    );
}

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('Write the page of a run: curves, segment graph, and what was erased.')
    .argument('<directory>', 'a run directory')
    .option('--serve', 'serve the page to this machine until Ctrl-C, made anew at every visit')
    .action(report);
}

async function report(directory: string, { serve }: { readonly serve?: boolean }): Promise<void> {
  const { reportPage, writeReport } = await import('../report/run.js');
  const file = await writeReport(directory);
  if (!serve) return print(file);
  const { servePage } = await import('../report/serve.js');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { url, closed } = await servePage(() => reportPage(directory), stop.signal);
  print(url);
  note(`serving the report of ${directory}; reload to see how it goes on, Ctrl-C ends`);
  await closed;
}
