// `doctor`: which engine is used here, and why not another.

import { execFile, type ExecFileException } from 'node:child_process';
import { promisify } from 'node:util';

import { HalfspaceError } from '../errors.js';
import type { Colors } from './colors.js';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type Output, type OutputFlags } from './output.js';
import { Option, type Command } from './packages.js';
import type { AddonDescription, MachineDescription } from './probe.js';
import { formatTable, yesOrNo } from './table.js';

/** An engine, and why it is used or not. */
interface Engine {
  readonly name: string;
  readonly used: boolean;
  readonly reason: string;
}

interface Findings {
  readonly version: string;
  readonly machine: MachineDescription;
  readonly addon: AddonDescription | null;
  readonly engines: readonly Engine[];
}

export function declareDoctor(command: Command): void {
  command
    .addOption(new Option('--probe', 'load the addon in this process and describe it').hideHelp())
    .action((flags: OutputFlags & { readonly probe?: boolean }) =>
      flags.probe
        ? probe(openOutput({ json: true }))
        : doctor(command.parent?.version() ?? '', openOutput(flags)),
    );
  addOutputOptions(command);
  addExamples(command, ['halfspace doctor', 'exit status 0 when an engine can be used, 1 when none can']);
}

async function probe(output: Output): Promise<void> {
  const { describeAddon } = await import('./probe.js');
  output.result(describeAddon(), () => '');
}

async function doctor(version: string, output: Output): Promise<void> {
  const { describeMachine } = await import('./probe.js');
  const addon = await probeInChild();
  const found = findings(version, describeMachine(), addon);
  output.result(found, (colors) => format(found, colors));
  if (typeof addon === 'string') throw new HalfspaceError('ERR_DEVICE', addon);
}

/** What a child process says of the addon, or in words why it could not. */
async function probeInChild(): Promise<AddonDescription | string> {
  const args = [...process.execArgv, process.argv[1] as string, 'doctor', '--probe'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as AddonDescription;
  } catch (error) {
    const { signal, stderr, message } = error as ExecFileException & { readonly stderr?: string };
    if (signal) return `the process that loaded the addon was ended by ${signal}`;
    return (stderr ?? message).trim().replace(/^halfspace: /, '');
  }
}

function findings(version: string, machine: MachineDescription, addon: AddonDescription | string): Findings {
  return typeof addon === 'string'
    ? { version, machine, addon: null, engines: engines(null, 'the addon cannot be loaded') }
    : { version, machine, addon, engines: engines(addon, '') };
}

function engines(addon: AddonDescription | null, missing: string): readonly Engine[] {
  const cpu = addon ? describeCpu(addon) : missing;
  return [
    { name: 'cpu', used: addon !== null, reason: cpu },
    ...(addon?.cuda.map(({ name, available, description }) => ({
      name,
      used: available,
      reason: description,
    })) ?? [{ name: 'cuda', used: false, reason: missing }]),
  ];
}

const describeCpu = ({ library, instructions, bf16, cores }: AddonDescription): string =>
  `${library} with ${instructions}, ${cores} threads unless told otherwise, ${bf16 ? 'fp32 or bf16' : 'fp32'}`;

const formatPackage = ({ package: found, platform }: MachineDescription): string =>
  found === null ? `none for ${platform}` : `${found.name} ${found.version ?? '(not installed)'}`;

function format({ version, machine, addon, engines: found }: Findings, colors: Colors): string {
  const facts: readonly (readonly [string, string])[] = [
    ['halfspace', version],
    ['node', machine.node],
    ['platform', `${machine.platform}${machine.libc === null ? '' : `, ${machine.libc}`}`],
    ['package', formatPackage(machine)],
    ['processor', `${machine.processor}, ${machine.threads} hardware threads`],
    ['features', machine.features.join(' ') || 'not told by this system'],
    ['addon', addon?.source ?? 'none'],
    ...(addon?.files ?? []).map((file) => ['', file] as const),
    ...(addon?.failures ?? []).map(
      ({ candidate, message }) => ['not used', `${candidate}: ${message}`] as const,
    ),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = facts.map(([name, value]) => `${colors.dim(name.padEnd(width))}  ${value}`);
  const table = formatTable(
    colors,
    ['engine', 'used', 'why'],
    found.map(({ name, used, reason }) => [name, yesOrNo(colors, used), reason]),
  );
  return [...lines, '', table].join('\n');
}
