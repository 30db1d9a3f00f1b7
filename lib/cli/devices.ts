// `devices`: what can train here.

import type { Command } from 'commander';
import { formatTable, print, printJson } from './output.js';

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
