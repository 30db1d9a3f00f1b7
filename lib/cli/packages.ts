// Packages that every command needs, required instead of imported: of what is imported from CommonJS, Node first
// searches the source for names, and resolves it by slower ways.

import { createRequire } from 'node:module';
import type pico from 'picocolors';

const require = createRequire(import.meta.url);

export const { Argument, Command, CommanderError, InvalidArgumentError, Option } =
  require('commander') as typeof import('commander');

export type Argument = import('commander').Argument;
export type Command = import('commander').Command;
export type Option = import('commander').Option;

export const { createColors } = require('picocolors') as typeof pico;
