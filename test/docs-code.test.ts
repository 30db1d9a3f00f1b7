// The code in the documents is true: TypeScript compiles, commands and options exist, and what is marked
// `run` runs, in the order of the page and in a folder of its own.
//
//     ```ts          compiles
//     ```sh          every `halfspace` command in it parses
//     ```ts run      and runs; its `epochs` are cut to a few steps
//     ```sh run      and runs; `train` is cut to a few steps

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';
import { CommanderError, type Command } from 'commander';

import { buildProgram } from '../lib/cli/program.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'halfspace-docs-'));
test.after.always(() => rmSync(temporary, { recursive: true }));

const documents = [
  'README.md',
  'FEATURES.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

interface Block {
  readonly language: 'ts' | 'sh';
  readonly runs: boolean;
  readonly code: string;
  /** `docs/errors.md:12`, for messages. */
  readonly place: string;
}

function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```(ts|sh)( run)?\n([^]*?)^```$/gm)].map((match) => ({
    language: match[1] as Block['language'],
    runs: match[2] !== undefined,
    code: match[3] as string,
    place: `${document}:${text.slice(0, match.index).split('\n').length}`,
  }));
}

const blocks = documents.flatMap(blocksOf);

test('all TypeScript in the documents compiles', (t) => {
  t.timeout(300_000);
  const folder = join(root, 'build/docs-code');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { code, place } of blocks.filter(({ language }) => language === 'ts')) {
    writeFileSync(join(folder, `${place.replace(/\W+/g, '-')}.mts`), `${code}\nexport {};\n`);
  }
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      rootDir: '../..',
      paths: {
        halfspace: ['../../lib/index.ts'],
        'halfspace/models': ['../../lib/models/index.ts'],
        'halfspace/config': ['../../lib/cli/config.ts'],
      },
      noUnusedLocals: false,
    },
    include: ['.'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  t.is(status, 0, stdout);
});

/** The lines of shell code without comments, those that end in a backslash joined. */
const lines = (code: string): readonly string[] =>
  code
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');

/** Arguments of a line that calls this program, by any of the ways that documents show. */
function argumentsOf(line: string): readonly string[] | null {
  const call = /^(?:npx halfspace|npm run (?:--silent )?halfspace --|halfspace)(\s.*)?$/.exec(line);
  return call ? (call[1] ?? '').trim().split(/\s+/) : null;
}

/** Parses, does nothing, and says what is wrong or null. */
async function complaint(args: readonly string[]): Promise<string | null> {
  const program = await buildProgram();
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    command.action(() => {});
    command.commands.forEach(silence);
  };
  program.commands.forEach(silence);
  program.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  try {
    await program.parseAsync(args, { from: 'user' });
    return null;
  } catch (error) {
    return error instanceof CommanderError && error.exitCode === 0 ? null : String(error);
  }
}

test('all commands in the documents exist, with their options', async (t) => {
  for (const { code, place } of blocks.filter(({ language }) => language === 'sh')) {
    for (const line of lines(code)) {
      const args = argumentsOf(line);
      if (args) t.is(await complaint(args), null, `${place}: ${line}`);
    }
  }
  t.regex(
    (await complaint(['eval', 'a.onnx', '--data', 'sample', '--dataset', 'b'])) ?? '',
    /unknown option/,
    'the check can fail',
  );
});

const python = process.env['HALFSPACE_PYTHON'];
const register = new URL('register.mjs', import.meta.url).href;

/** A folder of commands: this program as `npx halfspace`, quick to end, and the Python of the tests. */
function commands(): string {
  const folder = join(temporary, 'bin');
  mkdirSync(folder, { recursive: true });
  const write = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const cut = 'case "$1" in train) set -- "$@" --steps 6 --threads 1;; esac';
  const main = join(root, 'lib/cli/main.ts');
  write('npx', `shift\n${cut}\nexec '${process.execPath}' --import '${register}' '${main}' "$@"`);
  write('python', `exec '${python}' "$@"`);
  return folder;
}

function run(t: ExecutionContext, { language, code, place }: Block, cwd: string): void {
  const env = {
    ...process.env,
    PATH: `${commands()}:${process.env['PATH']}`,
    TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'),
  };
  const file = join(cwd, `block.${language === 'ts' ? 'mts' : 'sh'}`);
  writeFileSync(file, language === 'ts' ? code.replace(/epochs: \d+/g, 'steps: 6, threads: 1') : code);
  const [program, args] =
    language === 'ts' ? [process.execPath, ['--import', register, file]] : ['sh', ['-e', file]];
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  t.is(status, 0, `${place}\n${stdout}${stderr}`);
}

for (const document of documents) {
  const runnable = blocksOf(document).filter(({ runs }) => runs);
  const skipped = python === undefined && runnable.some(({ code }) => /^python /m.test(code));
  if (runnable.length === 0) continue;
  (skipped ? test.serial.skip : test.serial)(`the code of ${document} runs`, (t) => {
    t.timeout(600_000);
    const cwd = join(temporary, basename(document, '.md'));
    mkdirSync(cwd);
    // What a page may take for granted: the examples.
    for (const name of ['export.py', 'use.py']) {
      writeFileSync(join(cwd, name), readFileSync(join(root, 'examples/pytorch', name)));
    }
    for (const block of runnable) run(t, block, cwd);
  });
}
