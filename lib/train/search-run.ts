// A search while it goes on: the promise of its result, its events for whoever follows it, and the two
// ways to end it early. What a search does is search.ts's matter.

import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';

import type { Progress } from './progress.js';

/** What a job is told by the run that it belongs to. */
export interface RunControls {
  /** Raised: the job gives up and rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Raised: the job ends as soon as it can with what it has. */
  readonly stop: AbortSignal;
  /** Tells the followers. */
  readonly publish: (event: Progress) => void;
}

type Follower = ReadableStreamDefaultController<Progress>;

/**
 * A search that is under way. It is a promise of its result; it can also be followed and ended early:
 *
 *     const run = search(model, dataset, options);
 *     for await (const event of run) if (event.kind === 'epoch') console.log(event.testAccuracy);
 *     const { subnet } = await run;
 *
 * Iterating gives the events from then on and ends with the run, or throws what made it fail. A loop that
 * is left early leaves the run alone, and a slow one does not slow it down.
 */
export class SearchRun<T> implements Promise<T>, AsyncIterable<Progress>, AsyncDisposable {
  readonly [Symbol.toStringTag] = 'SearchRun';
  readonly #abort = new AbortController();
  readonly #stop = new AbortController();
  readonly #followers = new Set<Follower>();
  readonly #result: Promise<T>;

  /** @internal Begins `job` at once. */
  constructor(job: (controls: RunControls) => Promise<T>) {
    const publish = (event: Progress): void => this.#followers.forEach((follower) => follower.enqueue(event));
    this.#result = job({ signal: this.#abort.signal, stop: this.#stop.signal, publish });
  }

  /**
   * Ends the run after the step that is under way. It resolves with what there is: the trained
   * super-network, and the sub-network if its groups are zero already.
   */
  stop(): void {
    this.#stop.abort();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- to be awaited is what a run is for
  then<Result = T, Failure = never>(
    onFulfilled?: ((value: T) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<Failure = never>(
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<T | Failure> {
    return this.#result.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#result.finally(onFinally);
  }

  [Symbol.asyncIterator](): AsyncIterator<Progress> {
    return this.#events()[Symbol.asyncIterator]();
  }

  /** Gives the run up, unless it has ended, and resolves when its memory and threads are free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#result.catch(() => {});
  }

  #events(): ReadableStream<Progress> {
    let follower: Follower;
    return new ReadableStream<Progress>({
      start: (controller) => {
        follower = controller;
        this.#followers.add(follower);
        const end = (act: () => void) => (): void => void (this.#followers.delete(follower) && act());
        this.#result.then(
          end(() => follower.close()),
          (reason: unknown) => end(() => follower.error(reason))(),
        );
      },
      cancel: () => void this.#followers.delete(follower),
    });
  }
}
