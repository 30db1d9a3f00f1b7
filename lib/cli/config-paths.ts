// Settings that are paths, which mean different files in different folders.

import { relative, resolve } from 'node:path';
import { isDatasetName } from '../data/names.js';
import type { Settings } from './config-schema.js';
import { isModelPath } from './load-model.js';

/** Some settings are paths only where they are no name. */
const paths = {
  model: isModelPath,
  data: (value) => !isDatasetName(value),
  dataDir: () => true,
  out: () => true,
} satisfies Partial<Record<keyof Settings, (value: string) => boolean>>;

/** `settings` whose paths are relative to `from`, with paths relative to `to`. */
export function rebase(settings: Settings, from: string, to: string): Settings {
  const moved = (path: string): string => relative(resolve(to), resolve(from, path));
  const entries = Object.entries(paths).flatMap(([name, isPath]) => {
    const value = settings[name as keyof typeof paths];
    return value !== undefined && isPath(value) ? [[name, moved(value)] as const] : [];
  });
  return { ...settings, ...Object.fromEntries(entries) };
}
