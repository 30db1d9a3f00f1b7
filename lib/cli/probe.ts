// What a process can say about itself and its addon. `doctor` asks a child for it, because a broken
// driver or an old processor can end the process that loads the addon.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';

import { familySync, versionSync } from 'detect-libc';

import { platformKey, platformPackages, type Failure } from '../train/loader.js';
import { nativeSource, type DeviceInfo, type EngineDescription } from '../train/native.js';

/** A loaded addon: where it came from and what it is made of. */
export interface AddonDescription extends EngineDescription {
  readonly source: string;
  /** What was tried before. */
  readonly failures: readonly Failure[];
  readonly cores: number;
  /** Files of the addon and of the libraries that it uses, as they are mapped; [] where that is not told. */
  readonly files: readonly string[];
  /** Devices for CUDA, or why there is none. */
  readonly cuda: readonly DeviceInfo[];
}

export interface MachineDescription {
  readonly node: string;
  /** As packages name it: `linux-x64-gnu`. */
  readonly platform: string;
  /** With its version, `glibc 2.36`; null where the system has no choice of them. */
  readonly libc: string | null;
  /** The package for this platform, with its version where it is installed; null where there is none. */
  readonly package: { readonly name: string; readonly version: string | null } | null;
  readonly processor: string;
  /** What the processor runs at once; engines take one a core unless told otherwise, which the addon knows. */
  readonly threads: number;
  /** The vector instructions among the processor's features; [] where the system does not list them. */
  readonly features: readonly string[];
}

export function describeAddon(): AddonDescription {
  const { native, source, failures } = nativeSource();
  return {
    ...native.engine(),
    source,
    failures,
    cores: native.cores(),
    files: mappedFiles(),
    cuda: native.devices(),
  };
}

export function describeMachine(): MachineDescription {
  const libc = familySync();
  const platform = platformKey();
  const name = platformPackages[platform]?.at(-1)?.name;
  return {
    node: process.versions.node,
    platform,
    package: name === undefined ? null : { name, version: installedVersion(name) },
    libc: libc === null ? null : `${libc} ${versionSync() ?? ''}`.trim(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    features: vectorFeatures(),
  };
}

function installedVersion(name: string): string | null {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return null;
  }
}

const VECTOR = /^(sse4_[12]|avx.*|fma|f16c|amx_.*|asimd.*|sve.*|bf16|i8mm)$/;

function vectorFeatures(): readonly string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readProc('/proc/cpuinfo'))?.[1] ?? '';
  return line.split(' ').filter((flag) => VECTOR.test(flag));
}

function mappedFiles(): readonly string[] {
  const paths = readProc('/proc/self/maps').match(
    /\/\S*(?:halfspace[^/\s]*\.node|lib(?:dnnl|gomp|OpenCL)\.so\S*)$/gm,
  );
  return [...new Set(paths)];
}

/** Only Linux tells these. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
