// The completion script for bash: one case a value that an option or command takes.

import type { CommandWords, Values } from './completion-words.js';

export const bashCompletion = (commands: readonly CommandWords[]): string => `# bash completion for halfspace

_halfspace() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  local words='' paths=''
  # Bash takes the = of --option=value for a word of its own.
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
  if ((COMP_CWORD == 1)); then
    words='${commands.map(({ name }) => name).join(' ')} help --help --version --no-color'
  else
    case "$command $previous" in
${commands.flatMap(cases).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ $paths ]] && compopt -o filenames
  [[ $paths == files ]] && COMPREPLY+=($(compgen -f -- "$current"))
  [[ $paths == folders ]] && COMPREPLY+=($(compgen -d -- "$current"))
  return 0
}
complete -F _halfspace halfspace
`;

/** Values of options first: what stands before the word decides. */
const cases = ({ name, options, values }: CommandWords): readonly string[] => [
  ...options.flatMap((option) =>
    option.values
      ? [`      ${option.names.map((each) => `'${name} ${each}'`).join(' | ')}) ${take(option.values)} ;;`]
      : [],
  ),
  `      '${name} '*)`,
  `        if [[ $current == -* ]]; then words='${options.flatMap(({ names }) => names).join(' ')}'`,
  `        else ${take(values)}; fi`,
  '        ;;',
];

const take = ({ names, paths }: Values): string =>
  `words='${names.join(' ')}'${paths === null ? '' : ` paths=${paths}`}`;
