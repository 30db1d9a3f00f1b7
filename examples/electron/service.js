// A training run behind messages. Knows neither Electron nor where the library comes from, so that it
// can be tried without either.
//
// Neither a run nor an AbortSignal crosses processes: the window sends words, and here they are obeyed.

/**
 * @typedef {typeof import('halfspace') & typeof import('halfspace/models')} Library
 * @typedef {{ kind: 'start', model: string, remove: number, directory: string }} Start
 * @typedef {Start | { kind: 'stop' } | { kind: 'cancel' }} Order
 *
 * @typedef {{ kind: 'progress', progress: import('halfspace').Progress }
 *   | { kind: 'done', summary: import('halfspace').Summary }
 *   | { kind: 'stopped', kept: 'sub-network' | 'super-network' }
 *   | { kind: 'cancelled' }
 *   | { kind: 'failed', code: string, message: string }} Answer
 */

/**
 * Returns the handler of incoming messages: `start` with model, remove and directory; `stop` keeps what
 * there is after the current step; `cancel` gives the run up. Sends `progress`, then `done`, `stopped`,
 * `cancelled` or `failed`, and ends with a status.
 *
 * @param {Pick<Library, 'buildModel' | 'openDataset' | 'search' | 'writeReport'>} library
 * @param {(answer: Answer) => void} send
 * @param {(status: number) => void} end
 * @returns {(order: Order) => void}
 */
export function serve({ buildModel, openDataset, search, writeReport }, send, end) {
  const [stop, cancel] = [new AbortController(), new AbortController()];

  /** @param {Start} order */
  async function train({ model, remove, directory }) {
    const dataset = await openDataset('sample');
    const network = buildModel(model, { input: dataset.shape, classes: dataset.classes.length, width: 8 });
    const { subnet, summary } = await search(network, dataset, {
      target: { kind: 'count', count: remove },
      epochs: 1,
      directory,
      stop: stop.signal,
      signal: cancel.signal,
      onProgress: (progress) => send({ kind: 'progress', progress }),
    });
    if (!summary) return send({ kind: 'stopped', kept: subnet ? 'sub-network' : 'super-network' });
    await writeReport(directory);
    send({ kind: 'done', summary });
  }

  /** @param {unknown} error */
  function report(error) {
    if (cancel.signal.aborted) return send({ kind: 'cancelled' });
    const { code = 'ERR_INTERNAL', message } = /** @type {Error & { code?: string }} */ (error);
    send({ kind: 'failed', code, message });
  }

  return (order) => {
    if (order.kind === 'stop') stop.abort();
    else if (order.kind === 'cancel') cancel.abort();
    else
      void train(order)
        .catch(report)
        .finally(() => end(0));
  };
}
