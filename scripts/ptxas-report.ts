// Writes build/cuda/ptxas.txt, the resources of every kernel of the CUDA engine, and fails where a kernel
// spills registers or needs so many that blocks of 256 threads no longer fill a multiprocessor.
//
//     tsx scripts/ptxas-report.ts [BUILD]

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readPtxas, type KernelResources } from './ptxas.js';

/** With 65,536 registers a multiprocessor: two blocks of 256 threads beside each other. */
const MOST_REGISTERS = 128;
/** What a block gets without asking for more. */
const MOST_SHARED = 48 << 10;

const faultOf = (kernel: KernelResources): string | null => {
  if (kernel.spilledBytes > 0 || kernel.stackBytes > 0) return 'uses memory for want of registers';
  if (kernel.registers > MOST_REGISTERS) return `needs more than ${MOST_REGISTERS} registers`;
  if (kernel.sharedBytes > MOST_SHARED) return `needs more than ${MOST_SHARED} bytes of shared memory`;
  return null;
};

const columns = ['arch', 'registers', 'shared', 'stack', 'spilled', 'kernel'];
const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, i) => (i === columns.length - 1 ? String(cell) : String(cell).padEnd(11)))
    .join('')
    .trimEnd();

const build = process.argv[2] ?? 'build/cuda';
const kernels = readPtxas(build);
if (kernels.length === 0) throw new Error(`there are no reports of ptxas in ${build}: build with nvcc first`);
const lines = kernels.map((k) =>
  row([k.architecture, k.registers, k.sharedBytes, k.stackBytes, k.spilledBytes, k.kernel]),
);
writeFileSync(join(build, 'ptxas.txt'), `${[row(columns), ...lines].join('\n')}\n`);

const architectures = [...new Set(kernels.map(({ architecture }) => architecture))].toSorted();
const largest = kernels.toSorted((a, b) => b.registers - a.registers)[0] as KernelResources;
console.log(
  `${kernels.length} kernels for ${architectures.join(' and ')}; most registers: ${largest.registers}, ` +
    `of ${largest.kernel} on ${largest.architecture}; see ${join(build, 'ptxas.txt')}`,
);
const faults = kernels.flatMap((kernel) => {
  const fault = faultOf(kernel);
  return fault === null ? [] : [`${kernel.kernel} on ${kernel.architecture} ${fault}`];
});
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
