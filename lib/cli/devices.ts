// `devices`: what can train here.

import type { Command } from 'commander';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type Output, type OutputFlags } from './output.js';
import { formatTable, yesOrNo } from './table.js';

export function declareDevices(command: Command): void {
  command.action((flags: OutputFlags) => devices(openOutput(flags)));
  addOutputOptions(command);
  addExamples(command, ['halfspace devices --json', 'for programs']);
}

async function devices(output: Output): Promise<void> {
  const { listDevices } = await import('../train/devices.js');
  const found = listDevices();
  output.result({ devices: found }, (colors) =>
    formatTable(
      colors,
      ['device', 'available', 'description'],
      found.map((device) => [device.name, yesOrNo(colors, device.available), device.description]),
    ),
  );
}
