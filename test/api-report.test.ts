// The public surface changes only where somebody has seen it change.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const root = fileURLToPath(new URL('..', import.meta.url));

test('docs/api says what the package offers', (t) => {
  t.timeout(300_000);
  const args = ['--import', 'tsx', 'scripts/api-report.ts', '--check'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
});

const reports = readdirSync(join(root, 'docs/api')).map((name) =>
  readFileSync(join(root, 'docs/api', name), 'utf8'),
);

/** First groups of all matches in all reports. */
const found = (pattern: RegExp): readonly string[] =>
  reports.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] as string));

test('every public name says what it is', (t) => {
  t.deepEqual(found(/^\/\/ @public \(undocumented\)\n(export .*)$/gm), []);
});

test('whatever a public name speaks of can be imported', (t) => {
  t.deepEqual(found(/ae-forgotten-export\) The symbol "(\w+)"/g), [
    'configSchema', // the zod schema that `Config` is inferred from
    'Graph', // of the main entry
  ]);
});
