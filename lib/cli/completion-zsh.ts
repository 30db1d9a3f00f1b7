// The completion script for zsh: one _arguments call a command.

import type { CommandWords, OptionWords, Values } from './completion-words.js';

export const zshCompletion = (commands: readonly CommandWords[]): string => `#compdef halfspace
# zsh completion for halfspace

_halfspace() {
  local -a commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(command).join('\n')}
  esac
}

# Run when this file is found in fpath, or declared when it is sourced.
if [[ \${funcstack[1]} == _halfspace ]]; then
  _halfspace "$@"
else
  compdef _halfspace halfspace
fi
`;

const command = ({ name, options, values }: CommandWords): string =>
  [
    `    ${name})`,
    `      _arguments -s \\`,
    ...[...options.map(option), `'*:argument:${action(values)}'`].map(last),
    '      ;;',
  ].join('\n');

/** Lines of one command, continued up to the last. */
const last = (line: string, index: number, all: readonly string[]): string =>
  `        ${line}${index < all.length - 1 ? ' \\' : ''}`;

/** `'(-q --quiet)'{-q,--quiet}'[explanation]'`, with `=` and an action where a value follows. */
function option({ names, description, values }: OptionWords): string {
  const explanation = `[${description.replace(/[[\]\\:]/g, '\\$&')}]`;
  const value = values === null ? '' : `:value:${action(values)}`;
  const spelled = names.map((name) => (values !== null && name.startsWith('--') ? `${name}=` : name));
  const alternatives = spelled.length > 1 ? `{${spelled.join(',')}}` : `'${spelled[0]}'`;
  return `${quoted(`(${names.join(' ')})`)}${alternatives}${quoted(explanation + value)}`;
}

/** No colons: they would end it. */
function action({ names, paths }: Values): string {
  const files = { files: '_files', folders: '_files -/' };
  if (names.length === 0) return paths === null ? ' ' : files[paths];
  const list = names.join(' ');
  return paths === null ? `(${list})` : `{compadd -- ${list}; ${files[paths]}}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
