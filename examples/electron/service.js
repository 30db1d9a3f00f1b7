// A training run behind messages. Knows neither Electron nor where the library comes from, so that it
// can be tried without either.
//
// An AbortSignal does not cross processes: the window sends words, and the signals are raised here.

/**
 * Returns the handler of incoming messages: `start` with model, remove and directory; `stop` keeps what
 * there is after the current step; `cancel` gives the run up. Sends `progress`, then `done`, `cancelled`
 * or `failed`, and ends with a status.
 */
export function serve({ buildModel, openDataset, search }, send, end) {
  const [stop, cancel] = [new AbortController(), new AbortController()];

  async function start({ model, remove, directory }) {
    const dataset = await openDataset('sample');
    const network = buildModel(model, { input: dataset.shape, classes: dataset.classes.length, width: 8 });
    const { summary } = await search(network, dataset, {
      target: { kind: 'count', count: remove },
      epochs: 1,
      directory,
      stop: stop.signal,
      signal: cancel.signal,
      onProgress: (progress) => send({ kind: 'progress', progress }),
    });
    send({ kind: 'done', summary });
  }

  function report(error) {
    if (cancel.signal.aborted) return send({ kind: 'cancelled' });
    send({ kind: 'failed', code: error.code ?? 'ERR_INTERNAL', message: error.message });
  }

  const handlers = {
    start: (message) =>
      start(message)
        .catch(report)
        .finally(() => end(0)),
    stop: () => stop.abort(),
    cancel: () => cancel.abort(),
  };
  return (message) => handlers[message.kind]?.(message);
}
