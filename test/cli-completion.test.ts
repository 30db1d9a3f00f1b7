// Completion scripts, asked in the shells themselves where they are installed.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Command } from 'commander';
import { bashCompletion } from '../lib/cli/completion-bash.js';
import { fishCompletion } from '../lib/cli/completion-fish.js';
import { commandWords, type CommandWords } from '../lib/cli/completion-words.js';
import { zshCompletion } from '../lib/cli/completion-zsh.js';
import { datasetNames, modelNames, selectorNames } from '../lib/cli/names.js';
import { buildProgram } from '../lib/cli/program.js';
import { folders, halfspace } from './cli-process.js';

const folder = folders();
let program: Command;
let words: readonly CommandWords[];

test.before(async () => {
  program = await buildProgram();
  words = commandWords(program);
});

const isInstalled = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

test('every visible command and option is known', (t) => {
  t.deepEqual(
    words.map(({ name, options }) => [name, options.flatMap(({ names }) => names).toSorted()]),
    program.commands.map((command) => [
      command.name(),
      [
        '-h',
        '--help',
        ...command.options.filter(({ hidden }) => !hidden).flatMap(({ short, long }) => [short, long]),
      ]
        .filter((name) => name !== undefined)
        .toSorted(),
    ]),
  );
});

/** A folder with files that a completion may find. */
function place(): string {
  const where = folder();
  writeFileSync(join(where, 'own.onnx'), '');
  spawnSync('mkdir', [join(where, 'pictures')]);
  return where;
}

/** What a shell offers for a command line whose last word is being typed. */
type Ask = (t: ExecutionContext, line: string, where: string) => readonly string[];

function run(t: ExecutionContext, shell: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(shell, args, {
    cwd,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, HOME: cwd },
  });
  t.is(status, 0, stderr);
  t.is(stderr, '');
  return stdout;
}

const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();

/** Bash is given the words as readline would split them. */
const askBash: Ask = (t, line, where) => {
  const script = join(where, '..', 'halfspace.bash');
  writeFileSync(script, bashCompletion(words));
  const quoted = line.split(/ |(?<==)|(?==)/).map((word) => `'${word}'`);
  // compopt works only while readline completes.
  const program = `compopt() { :; }
    source ${script}
    COMP_WORDS=(${quoted.join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _halfspace; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(run(t, 'bash', ['--norc', '-c', program], where));
};

const askFish: Ask = (t, line, where) => {
  const script = join(where, '..', 'halfspace.fish');
  writeFileSync(script, fishCompletion(words));
  const out = run(t, 'fish', ['--no-config', '-c', `source ${script}; complete -C '${line}'`], where);
  return lines(out).map((each) => each.split('\t')[0] as string);
};

/** Zsh completes only at a prompt, so it is given one, and a function that writes down what it would insert. */
const askZsh: Ask = (t, line, where) => {
  const [script, setup, answers] = ['halfspace.zsh', 'setup.zsh', 'answers'].map((name) =>
    join(where, '..', name),
  );
  writeFileSync(script as string, zshCompletion(words));
  writeFileSync(answers as string, '');
  writeFileSync(
    setup as string,
    `autoload -Uz compinit; compinit -u -D; source ${script}
    compadd() { local -a found; builtin compadd -O found "$@"; print -l -- $found >> ${answers}; builtin compadd "$@"; }
    answer() { _main_complete; print -- ---done >> ${answers}; }
    zle -C ask .complete-word answer; bindkey '^X' ask; print -- ---ready >> ${answers}`,
  );
  const outer = `zmodload zsh/zpty; zpty -b shell zsh -f -i
    wait() { until grep -q -e "---$1" ${answers}; do sleep 0.1; done; }
    zpty -w shell 'source ${setup}'; wait ready
    zpty -w -n shell '${line}'$'\\x18'; wait done; zpty -d shell`;
  run(t, 'zsh', ['-f', '-c', outer], where);
  return [...new Set(lines(readFileSync(answers as string, 'utf8')))].filter(
    (each) => !each.startsWith('---'),
  );
};

const holds = (all: readonly string[], some: readonly string[]): boolean =>
  some.every((each) => all.includes(each));

for (const [shell, ask] of [
  ['bash', askBash],
  ['fish', askFish],
  ['zsh', askZsh],
] as const) {
  const serial = isInstalled(shell) ? test.serial : test.serial.skip;

  serial(`${shell} completes commands, options, names, files and folders`, (t) => {
    t.timeout(120_000);
    const where = place();
    t.true(
      holds(
        ask(t, 'halfspace ', where),
        words.map(({ name }) => name),
      ),
      'commands',
    );
    t.deepEqual(ask(t, 'halfspace tr', where), ['train'], 'a command begun');
    const scores = ask(t, 'halfspace train stackedunets --score ', where);
    t.deepEqual(scores, [...selectorNames].toSorted(), 'names of an option');
    const offered = ask(t, 'halfspace train --s', where).map((each) => each.replace(/=$/, ''));
    t.true(holds(offered, ['--size', '--sparsity', '--steps', '--schedule', '--seed', '--score']), 'options');
    t.false(offered.includes('--probe'));
    const models = ask(t, 'halfspace inspect ', where);
    t.true(holds(models, [...modelNames, 'own.onnx']), `models and files: ${models.join(' ')}`);
    const data = ask(t, 'halfspace train --data ', where).map((each) => each.replace(/\/$/, ''));
    t.true(holds(data, [...datasetNames, 'pictures']), `data sets and folders: ${data.join(' ')}`);
    t.false(data.includes('own.onnx'), 'no files where a folder is meant');
    t.deepEqual(ask(t, 'halfspace train --epochs ', where), [], 'a number is for the user to think of');
  });
}

test('bash completes the value of an option that is written with =', (t) => {
  t.deepEqual(askBash(t, 'halfspace train --score=pa', place()), ['paper']);
});

test.serial('completion prints the script, refuses other shells, and has a document, too', async (t) => {
  const { stdout } = await halfspace(['completion', 'bash']);
  t.is(stdout, bashCompletion(words));
  const document = await halfspace(['completion', 'fish', '--json']);
  t.deepEqual(JSON.parse(document.stdout), { shell: 'fish', script: fishCompletion(words) });
  const other = await halfspace(['completion', 'tcsh']);
  t.is(other.status, 2);
  t.regex(other.stderr, /tcsh.*bash, zsh, fish/);
});
