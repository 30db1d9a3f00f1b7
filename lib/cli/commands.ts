// The commands, in the order of the help: what it lists of each, and where the rest is declared. The rest is
// loaded for a command that was named, so that none waits for what the others need.

import type { Command } from 'commander';

interface Listed {
  /** What follows the name. */
  readonly usage: string;
  readonly description: string;
  /** Loads what adds arguments, options and action. */
  readonly load: () => Promise<(command: Command) => void>;
}

export const commands: Readonly<Record<string, Listed>> = {
  init: {
    usage: '[options] [folder]',
    description: 'Write a config file to begin with. Nothing is overwritten, nothing is asked.',
    load: async () => (await import('./init.js')).declareInit,
  },
  inspect: {
    usage: '[options] [model]',
    description: 'Show the search space: segments, groups, costs, and why a segment cannot be removed.',
    load: async () => (await import('./inspect.js')).declareInspect,
  },
  train: {
    usage: '[options] [model]',
    description: 'Train a super-network once and write the sub-network that is left.',
    load: async () => (await import('./train.js')).declareTrain,
  },
  construct: {
    usage: '[options] <super>',
    description: 'Build the sub-network of a super-network whose erased groups are zero (or are named here).',
    load: async () => (await import('./construct.js')).declareConstruct,
  },
  eval: {
    usage: '[options] <network>',
    description: 'Measure the accuracy of a network on the test images of a data set.',
    load: async () => (await import('./eval.js')).declareEval,
  },
  report: {
    usage: '[options] <directory>',
    description: 'Write the page of a run: curves, segment graph, and what was erased.',
    load: async () => (await import('./report.js')).declareReport,
  },
  devices: {
    usage: '[options]',
    description: 'List the devices that can train, and why another cannot.',
    load: async () => (await import('./devices.js')).declareDevices,
  },
  doctor: {
    usage: '[options]',
    description: 'Say which engine is used on this machine, and why not another.',
    load: async () => (await import('./doctor.js')).declareDoctor,
  },
  completion: {
    usage: '[options] <shell>',
    description: 'Print a script that lets a shell complete commands, options and names.',
    load: async () => (await import('./completion.js')).declareCompletion,
  },
};
