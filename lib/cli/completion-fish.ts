// The completion script for fish: one `complete` a command and option.

import type { CommandWords, OptionWords, Values } from './completion-words.js';

export const fishCompletion = (commands: readonly CommandWords[]): string =>
  [
    '# fish completion for halfspace',
    '',
    complete('-f'),
    ...commands.map(({ name, description }) =>
      complete(`-n __fish_use_subcommand -a ${name} -d ${quoted(description)}`),
    ),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');

const complete = (rest: string): string => `complete -c halfspace ${rest}`;

const commandLines = ({ name, options, values }: CommandWords): readonly string[] => {
  const within = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
  const given = taking(values);
  return [
    '',
    ...(given === '' ? [] : [complete(`${within} ${given}`)]),
    ...options.map((option) => complete(`${within} ${optionFlags(option)}`)),
  ];
};

const optionFlags = ({ names, description, values }: OptionWords): string =>
  [
    ...names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)),
    `-d ${quoted(description)}`,
    ...(values === null ? [] : ['-r', values.paths === 'files' ? '' : '-f', taking(values)]),
  ]
    .filter((part) => part !== '')
    .join(' ');

/** Names, and files or folders where they are taken. */
function taking({ names, paths }: Values): string {
  const folders = paths === 'folders' ? ['(__fish_complete_directories)'] : [];
  const listed = [...names, ...folders];
  const files = paths === 'files' ? ['-F'] : [];
  return [...files, ...(listed.length > 0 ? [`-a ${quoted(listed.join(' '))}`] : [])].join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
