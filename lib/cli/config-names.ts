// What config files are called, and where they are looked for.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HalfspaceError } from '../errors.js';

export const configNames: readonly string[] = ['json', 'yaml', 'ts'].map(
  (ending) => `halfspace.config.${ending}`,
);

/** The path of the nearest config file, in `folder` or above it, or null. Throws ERR_OPTION where one has two. */
export function findConfig(folder: string): string | null {
  const found = configNames.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `expected one config file in ${folder}, got ${found.join(' and ')}`,
    );
  }
  if (found[0] !== undefined) return join(folder, found[0]);
  const above = dirname(folder);
  return above === folder ? null : findConfig(above);
}
