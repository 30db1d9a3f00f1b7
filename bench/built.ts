// The command line as it is published, for benchmarks that time it from its start: built when it is missing or
// older than what it is built of, so that no stale one is timed.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The file that Node runs. */
export function builtCommand(): string {
  const command = join(root, 'dist/cli/main.js');
  const sources = [join(root, 'lib'), join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
  if (isStale(command, sources)) {
    process.stderr.write('building dist, which is missing or older than lib\n');
    execFileSync('npm', ['run', 'build:ts'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return command;
}

/** Whether a file is missing or older than one of those that it is built of, or than one in their folders. */
export function isStale(built: string, sources: readonly string[]): boolean {
  if (!existsSync(built)) return true;
  const time = statSync(built).mtimeMs;
  return sources.flatMap(filesIn).some((source) => statSync(source).mtimeMs > time);
}

const filesIn = (path: string): readonly string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
    : [path];
