// The public surface changes only where somebody has seen it change.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const root = fileURLToPath(new URL('..', import.meta.url));

test('docs/api says what the package offers', (t) => {
  t.timeout(300_000);
  const args = ['--import', 'tsx', 'scripts/api-report.ts', '--check'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
});
