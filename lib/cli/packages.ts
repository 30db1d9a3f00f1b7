// Packages that every command needs, required instead of imported: before it imports a CommonJS package, Node searches
// its source for what it exports.

import { createRequire } from 'node:module';
import type pico from 'picocolors';

const require = createRequire(import.meta.url);

export const { Argument, Command, CommanderError, InvalidArgumentError, Option } =
  require('commander') as typeof import('commander');

export type Argument = import('commander').Argument;
export type Command = import('commander').Command;
export type Option = import('commander').Option;

export const { createColors } = require('picocolors') as typeof pico;
