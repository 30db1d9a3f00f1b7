// A program ready to run on its device: compile once, run often. The only holder of native memory
// and threads. Work, preparing it included, happens on the session's own thread, so the event loop stays free
// but for copying what goes in: a GPU takes it from pinned memory, which the first run of an entry makes.

import { encode } from '../compile/encode.js';
import type { Entry, Program, Tensor } from '../compile/program.js';
import { HalfspaceError, invariant, type ErrorCode } from '../errors.js';
import { elements, formatType, type DType } from '../shape.js';
import type { Precision } from './device-names.js';
import { debugKernels, debugLevel } from './debug.js';
import { native, type NativeArray, type NativeHandle, type SessionDescription } from './native.js';

export type { SessionDescription } from './native.js';

/** Tensors by name, as flat row-major arrays. */
export type Arrays = Readonly<Record<string, NativeArray>>;

export interface SessionOptions {
  /** Threads that compute; by default one for each processor core this process may use. */
  readonly threads?: number;
  /** Whether `describe` tells what each kernel costs; by default where HALFSPACE_DEBUG is 1 or more. */
  readonly trace?: boolean;
  /** What products are computed with; by default fp32 on the CPU and tf32 with CUDA. */
  readonly precision?: Precision;
}

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array } as const satisfies Record<
  DType,
  unknown
>;

/** Runs the entries of one program; they share its arenas. Runs happen in the order of the calls. */
export class Session implements Disposable {
  readonly #program: Program;
  readonly #handle: NativeHandle;
  /** Names of the inputs that the next run may leave out, by entry. */
  readonly #staged = new Map<number, readonly string[]>();
  #nextJob = 0;
  #pending = 0;
  #disposed = false;
  #closed = false;

  private constructor(program: Program, handle: NativeHandle) {
    this.#program = program;
    this.#handle = handle;
  }

  /** Plans memory and prepares every kernel. Arenas start at zero. */
  static async open(program: Program, options: SessionOptions = {}): Promise<Session> {
    const trace = options.trace ?? debugLevel() >= 1;
    const threads = options.threads ?? native().cores();
    try {
      return new Session(program, await native().open(encode(program), { ...options, threads, trace }));
    } catch (error) {
      throw translated(error);
    }
  }

  /**
   * Sends inputs of the next run of an entry ahead, so that they travel while another run is computed. They
   * are copied before this returns. The first run that leaves inputs out takes them; staging again replaces
   * them. False where the device has no use for it: the run then has to be given all of its inputs.
   */
  stage(entry: string, inputs: Arrays): boolean {
    this.#check();
    const index = this.#entry(entry);
    const chosen = this.#program.entries[index] as Entry;
    const all = chosen.inputs.map((tensor) => this.#tensor(tensor).name);
    const arrays = this.#inputs(chosen, inputs, all);
    const staged = friendly(() => native().stage(this.#handle, index, arrays));
    if (staged) this.#staged.set(index, Object.keys(inputs));
    return staged;
  }

  /**
   * Runs an entry and resolves with its outputs. Inputs are copied before this returns; those that were
   * staged are left out. An aborted run stops between two steps and rejects with the signal's reason; what
   * its steps had written to arenas by then stays there.
   */
  async run(entry: string, inputs: Arrays = {}, options: { signal?: AbortSignal } = {}): Promise<Arrays> {
    this.#check();
    const index = this.#entry(entry);
    const { signal } = options;
    signal?.throwIfAborted();
    const chosen = this.#program.entries[index] as Entry;
    const arrays = this.#inputs(chosen, inputs, this.#staged.get(index));
    if (arrays.includes(undefined)) this.#staged.delete(index);
    const job = this.#nextJob++;
    const abort = (): void => native().abort(this.#handle, job);
    signal?.addEventListener('abort', abort, { once: true });
    this.#pending++;
    try {
      const outputs = await native().run(this.#handle, index, arrays, job);
      return Object.fromEntries(
        chosen.outputs.map((t, i) => [this.#tensor(t).name, outputs[i] as NativeArray]),
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw translated(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#pending--;
      if (this.#disposed) this.#close();
    }
  }

  /** Copies `data` into an arena of f32, after the runs that are under way. */
  write(arena: string, data: Float32Array, offset = 0): void {
    this.#check();
    friendly(() => native().write(this.#handle, this.#arena(arena), offset, data));
  }

  /** A copy of an arena of f32, or of part of it, after the runs that are under way. */
  read(arena: string, offset = 0, length?: number): Float32Array {
    this.#check();
    const index = this.#arena(arena);
    const whole = (this.#program.arenas[index]?.length ?? 0) - offset;
    return friendly(() => native().read(this.#handle, index, offset, length ?? whole));
  }

  /** What planning did and, while tracing, what the kernels cost. */
  describe(): SessionDescription {
    this.#check();
    return friendly(() => native().describe(this.#handle));
  }

  /** Frees memory and thread, once the runs under way are done. Calling it again does nothing. */
  dispose(): void {
    this.#disposed = true;
    this.#close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #close(): void {
    if (this.#pending > 0 || this.#closed) return;
    this.#closed = true;
    if (debugLevel() >= 1) debugKernels(this.#program.device, native().describe(this.#handle));
    native().close(this.#handle);
  }

  #check(): void {
    if (this.#disposed) throw new HalfspaceError('ERR_DISPOSED', 'the session is used after dispose()');
  }

  #entry(name: string): number {
    return indexOf(this.#program.entries, name, 'entry');
  }

  #arena(name: string): number {
    return indexOf(this.#program.arenas, name, 'arena');
  }

  #tensor(index: number): Tensor {
    const tensor = this.#program.tensors[index];
    invariant(tensor, `the program has no tensor ${index}`);
    return tensor;
  }

  /** The arrays in the order of the entry, each of the right type and length, but for what is left out of `optional`. */
  #inputs(
    entry: Entry,
    inputs: Arrays,
    optional: readonly string[] = [],
  ): readonly (NativeArray | undefined)[] {
    const tensors = entry.inputs.map((index) => this.#tensor(index));
    for (const name of Object.keys(inputs)) {
      if (!tensors.some((tensor) => tensor.name === name)) {
        const known = tensors.map((tensor) => `'${tensor.name}'`).join(', ') || 'none';
        throw new HalfspaceError(
          'ERR_OPTION',
          `entry '${entry.name}' has no input '${name}'; it takes ${known}`,
        );
      }
    }
    return tensors.map((tensor) => {
      const array = Object.hasOwn(inputs, tensor.name) ? inputs[tensor.name] : undefined;
      return array === undefined && optional.includes(tensor.name) ? array : checkInput(entry, tensor, array);
    });
  }
}

function indexOf(list: readonly { readonly name: string }[], name: string, what: string): number {
  const index = list.findIndex((item) => item.name === name);
  if (index >= 0) return index;
  const known = list.map((item) => `'${item.name}'`).join(', ') || 'none';
  throw new HalfspaceError('ERR_OPTION', `the program has no ${what} '${name}'; it has ${known}`);
}

function checkInput(entry: Entry, tensor: Tensor, array: NativeArray | undefined): NativeArray {
  const where = `entry '${entry.name}': input '${tensor.name}'`;
  if (array === undefined) throw new HalfspaceError('ERR_OPTION', `${where} is missing`);
  const expected = ARRAYS[tensor.dtype];
  if (!(array instanceof expected)) {
    const arrived = (array as object | null)?.constructor?.name ?? String(array);
    throw new HalfspaceError('ERR_SHAPE', `${where} must be a ${expected.name}, a ${arrived} arrived`);
  }
  const length = elements(tensor.shape);
  if (array.length !== length) {
    throw new HalfspaceError(
      'ERR_SHAPE',
      `${where} is ${formatType(tensor)} and has ${length} elements, an array of ${array.length} arrived`,
    );
  }
  return array;
}

/** Runs a native call and makes our error of whatever it throws. */
function friendly<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translated(error);
  }
}

/** The addon puts our codes on its errors; anything else is a mistake in how we called it. */
function translated(error: unknown): HalfspaceError {
  if (error instanceof HalfspaceError) return error;
  const { code, message } = error as { code?: ErrorCode; message?: string };
  if (code?.startsWith('ERR_')) return new HalfspaceError(code, String(message), { cause: error });
  if (error instanceof RangeError) return new HalfspaceError('ERR_SHAPE', error.message, { cause: error });
  return new HalfspaceError('ERR_INTERNAL', `internal: ${String(error)}`, { cause: error });
}
