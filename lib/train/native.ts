// The addon, typed: the one place that holds it and the one list of what it offers; loader.ts finds it.
// Everything here is unchecked in the sense that session.ts makes friendly errors; the addon itself
// checks whatever memory depends on and throws TypeError or RangeError.

import type { EncodedProgram } from '../compile/encode.js';
import type { Precision } from './device-names.js';
import { loadAddon, type Loaded } from './loader.js';

/** An element type's array. */
export type NativeArray = Float32Array | Float64Array | Int32Array;

/** Opaque: a session inside the addon. */
export interface NativeHandle {
  readonly nativeHandle: unique symbol;
}

export interface NativeOptions {
  /** OpenMP team size; by default the processor cores that this process may use. */
  readonly threads?: number;
  /** Whether to time every kernel. */
  readonly trace?: boolean;
  /** By default the device's own: fp32 on the CPU, tf32 with CUDA. */
  readonly precision?: Precision;
}

/** What planning made of one entry. */
export interface EntryDescription {
  readonly name: string;
  /** Steps that run, reorders included. */
  readonly steps: number;
  /** Steps that planning added to change a layout. */
  readonly reorders: number;
  /** Steps that cost nothing, because input and output are one buffer. */
  readonly aliases: number;
  readonly temporaryBytes: number;
}

export interface SessionDescription {
  readonly threads: number;
  /** Arenas, temporaries and scratch memory. */
  readonly bytes: number;
  readonly entries: readonly EntryDescription[];
  /** By kernel name; empty unless the session traces. */
  readonly kernels: Readonly<Record<string, { readonly calls: number; readonly milliseconds: number }>>;
}

/** What does the arithmetic. */
export interface EngineDescription {
  /** As programs name the device. */
  readonly name: string;
  /** With its version: `oneDNN 2.6.3`. */
  readonly library: string;
  /** The instruction set that the library uses on this processor, by the library's name. */
  readonly instructions: string;
  /** Whether it multiplies in bf16 here. */
  readonly bf16: boolean;
}

/** A device, or why it cannot be used. */
export interface DeviceInfo {
  /** As `--device` takes it. */
  readonly name: string;
  readonly available: boolean;
  /** What it is, or why it cannot be used. */
  readonly description: string;
}

/** Of an image in planes. */
export interface NativeSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Opaque: a file inside the addon, until it is decoded. */
export interface PictureHandle {
  readonly pictureHandle: unique symbol;
}

/** A file that can be decoded. */
export interface NativePicture {
  readonly picture: PictureHandle;
  readonly width: number;
  readonly height: number;
}

/** A part of an image and the size that it is scaled to, in whole pixels. */
export interface NativeFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly outputWidth: number;
  readonly outputHeight: number;
}

/** The functions of the addon; arenas and entries are indices into the program. */
export interface Native {
  /** Copies the program at once; rejects where it cannot be run. */
  open(program: EncodedProgram, options?: NativeOptions): Promise<NativeHandle>;
  /** Copies the inputs that are given at once and sends them ahead; false where the device has no use for that. */
  stage(handle: NativeHandle, entry: number, inputs: readonly (NativeArray | undefined)[]): boolean;
  /** Copies `inputs` at once, staged ones are left out; `job` names the run for `abort`. */
  run(
    handle: NativeHandle,
    entry: number,
    inputs: readonly (NativeArray | undefined)[],
    job: number,
  ): Promise<NativeArray[]>;
  abort(handle: NativeHandle, job: number): void;
  write(handle: NativeHandle, arena: number, offset: number, data: Float32Array): void;
  read(handle: NativeHandle, arena: number, offset: number, length: number): Float32Array;
  describe(handle: NativeHandle): SessionDescription;
  close(handle: NativeHandle): void;
  shutdown(): void;
  cores(): number;
  engine(): EngineDescription;
  /** Devices for CUDA, or one entry that says why there is none. */
  devices(): readonly DeviceInfo[];
  /** A JPEG file whose colours are gray, YCbCr or RGB, its header read; else the bytes of the file. */
  openImage(path: string): Promise<NativePicture | Uint8Array>;
  /** Fills `out`, [3, outputHeight, outputWidth], which must be left alone until then. Once for each picture. */
  decodeJpeg(picture: PictureHandle, frame: NativeFrame, out: Uint8Array): Promise<void>;
  /** Cuts and scales bytes [channels, height, width] to `out`, [channels, outputHeight, outputWidth]. */
  resamplePixels(pixels: Uint8Array, size: NativeSize, frame: NativeFrame, out: Uint8Array): void;
  /** Writes rows of `width` bytes from right to left. */
  mirrorPixels(pixels: Uint8Array, width: number, out: Uint8Array): void;
  /** out = table[channel][pixel], for bytes [C, H, W] and a table [C, 256]. */
  normalizePixels(pixels: Uint8Array, table: Float32Array, out: Float32Array): void;
}

/** The addon, and how it was found. */
export interface NativeSource extends Omit<Loaded, 'addon'> {
  readonly native: Native;
}

let loaded: NativeSource | undefined;

/** The addon; loaded when first asked for. Throws ERR_DEVICE where it cannot be. */
export const native = (): Native => nativeSource().native;

/** The same with its origin, for people who ask which one is used. */
export function nativeSource(): NativeSource {
  loaded ??= load();
  return loaded;
}

function load(): NativeSource {
  const { addon, ...source } = withShortSpins(() => loadAddon());
  const found = addon as Native;
  // Native threads must not outlive the static objects that `process.exit()` destroys.
  process.once('exit', () => found.shutdown());
  return { native: found, ...source };
}

/**
 * OpenMP's threads wait for each other by spinning, which on a machine that has other work to do costs
 * several times what it saves. The OpenMP runtime reads the limit from the environment while it loads,
 * and only there; whoever has set it has the last word. (In a worker thread `process.env` is a copy, so
 * there the limit of the process holds.)
 */
function withShortSpins<T>(call: () => T): T {
  const { env } = process;
  const ours = env['GOMP_SPINCOUNT'] === undefined && env['OMP_WAIT_POLICY'] === undefined;
  if (ours) env['GOMP_SPINCOUNT'] = '1000';
  try {
    return call();
  } finally {
    if (ours) delete env['GOMP_SPINCOUNT'];
  }
}
