// What ptxas, the assembler of kernels, reports of every kernel, as native/cuda/keep-ptxas.sh kept it beside
// the object files: registers of a thread, shared memory of a block, and bytes spilled from registers.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One kernel as assembled for one architecture. */
export interface KernelResources {
  readonly kernel: string;
  /** As `sm_90`. */
  readonly architecture: string;
  readonly registers: number;
  readonly barriers: number;
  readonly sharedBytes: number;
  readonly stackBytes: number;
  /** Stored and loaded. */
  readonly spilledBytes: number;
}

const number = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);

/** Reads what ptxas said; kernels keep their mangled names. */
export function parsePtxas(text: string): readonly KernelResources[] {
  return text
    .split('Compiling entry function ')
    .slice(1)
    .map((part) => {
      const head = /^'(?<kernel>\S+)' for '(?<architecture>\S+)'/.exec(part)?.groups;
      const registers = /Used (\d+) registers/.exec(part);
      if (!head || !registers) throw new Error(`ptxas reports in an unknown form: ${part.slice(0, 200)}`);
      return {
        kernel: head['kernel'] as string,
        architecture: head['architecture'] as string,
        registers: Number(registers[1]),
        barriers: number(part, /used (\d+) barriers/),
        sharedBytes: number(part, /(\d+) bytes smem/),
        stackBytes: number(part, /(\d+) bytes stack frame/),
        spilledBytes: number(part, /(\d+) bytes spill stores/) + number(part, /(\d+) bytes spill loads/),
      };
    });
}

/** All kernels of a build folder, with names for people, in the order of names. */
export function readPtxas(build: string): readonly KernelResources[] {
  const files = readdirSync(build, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ptxas'),
  );
  const found = files.flatMap((name) => parsePtxas(readFileSync(join(build, name), 'utf8')));
  const names = demangle(found.map(({ kernel }) => kernel));
  return found
    .map((each, index) => ({ ...each, kernel: names[index] as string }))
    .toSorted((a, b) => a.kernel.localeCompare(b.kernel) || a.architecture.localeCompare(b.architecture));
}

function demangle(names: readonly string[]): readonly string[] {
  const output = execFileSync('c++filt', { input: names.join('\n'), encoding: 'utf8' });
  return output.trimEnd().split('\n').map(shorten);
}

/** Without namespaces, the return type and the parameters, which the name and its arguments determine. */
function shorten(name: string): string {
  const plain = name
    .replace(/^void /, '')
    .replaceAll(/\(anonymous namespace\)::|halfspace::(?:cuda::|unary::)?/g, '')
    .replaceAll(/\((?:int|bool|unsigned int)\)/g, '');
  return plain.slice(0, parametersOf(plain));
}

/** Where the parameters begin: the first parenthesis outside angle brackets. */
function parametersOf(name: string): number {
  let depth = 0;
  for (let at = 0; at < name.length; at += 1) {
    if (name[at] === '<') depth += 1;
    else if (name[at] === '>') depth -= 1;
    else if (name[at] === '(' && depth === 0) return at;
  }
  return name.length;
}
