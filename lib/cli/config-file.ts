// Reads and checks config files. Paths in a file are relative to its folder.

import { readFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type * as z from 'zod';
import { HalfspaceError } from '../errors.js';
import { suggest } from '../suggest.js';
import { rebase } from './config-paths.js';
import { configSchema, settingNames, type Settings } from './config-schema.js';
import { isModulePath, loadModule } from './load-module.js';

export interface ConfigFile {
  readonly path: string;
  readonly settings: Settings;
}

/** Reads one file, also the config.json of a run, which holds the settings that the run was begun with. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const value = await load(path);
  const settings = check(isRunConfig(value) ? (value.origin ?? {}) : value, path);
  return { path, settings: rebase(settings, dirname(path), '.') };
}

interface RunConfig {
  readonly network: string;
  readonly origin?: unknown;
}

const isRunConfig = (value: unknown): value is RunConfig =>
  typeof value === 'object' && value !== null && 'network' in value;

async function load(path: string): Promise<unknown> {
  if (isModulePath(path)) return loadModule(path, 'ERR_OPTION');
  const parse = parsers[extname(path).toLowerCase()];
  if (!parse) {
    const known = Object.keys(parsers).join(', ');
    throw new HalfspaceError('ERR_OPTION', `${path}: expected a file that ends with ${known}, .ts or .js`);
  }
  try {
    return await parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new HalfspaceError('ERR_OPTION', `${path}: ${(cause as Error).message.trim()}`, { cause });
  }
}

/** An empty YAML file holds no settings. */
const parseYaml = async (text: string): Promise<unknown> => (await import('yaml')).parse(text) ?? {};

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  '.json': (text) => JSON.parse(text),
  '.yaml': parseYaml,
  '.yml': parseYaml,
};

/** Throws ERR_OPTION with every setting that is wrong. */
function check(value: unknown, path: string): Settings {
  const checked = configSchema.safeParse(value);
  if (!checked.success) {
    const problems = checked.error.issues.flatMap((issue) => describe(issue, value));
    throw new HalfspaceError('ERR_OPTION', problems.map((problem) => `${path}: ${problem}`).join('\n'));
  }
  const { $schema: _, ...settings } = checked.data;
  return settings;
}

function describe(issue: z.core.$ZodIssue, value: unknown): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => `unknown setting '${name}'${suggest(name, settingNames)}`);
  }
  const arrived = issue.path.reduce<unknown>(
    (inner, name) => (inner as Readonly<Record<PropertyKey, unknown>>)[name],
    value,
  );
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return [`${where}${issue.message}, got ${JSON.stringify(arrived) ?? String(arrived)}`];
}
