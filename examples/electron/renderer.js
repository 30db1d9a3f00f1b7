// The window: buttons send verbs, messages change what it says.

/**
 * @typedef {'start' | 'stop' | 'cancel' | 'report'} Verb
 * @typedef {import('./service.js').Answer | { kind: 'exit', code: number }} Message
 * @typedef {Record<Verb, () => void> & { onMessage: (listener: (message: Message) => void) => void }} Training
 */

/** @param {Verb} verb */
const button = (verb) => /** @type {HTMLButtonElement} */ (document.getElementById(verb));
const bar = /** @type {HTMLProgressElement} */ (document.getElementById('progress'));
const state = /** @type {HTMLElement} */ (document.getElementById('state'));

/** @param {string} text */
const say = (text) => (state.textContent = text);

/** @param {{ running: boolean, finished: boolean }} state */
function show({ running, finished }) {
  button('start').disabled = running;
  button('stop').disabled = button('cancel').disabled = !running;
  button('report').disabled = !finished;
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param {import('halfspace').Progress} progress */
function showProgress(progress) {
  if (progress.kind === 'step') {
    const { step, steps, loss, phase } = progress;
    bar.value = step / steps;
    say(`${phase}: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
  }
  if (progress.kind === 'selection') say(`erasing segments ${progress.segments.join(', ')}`);
  if (progress.kind === 'epoch') say(`accuracy ${percent(progress.testAccuracy)}`);
}

/** @param {Message} message */
function handle(message) {
  switch (message.kind) {
    case 'progress':
      return showProgress(message.progress);
    case 'done': {
      const { supernet, subnet } = message.summary;
      say(`${supernet.params} parameters became ${subnet.params}, accuracy ${percent(subnet.accuracy)}`);
      return show({ running: false, finished: true });
    }
    case 'stopped':
      return say(`Stopped; the ${message.kept} is kept.`);
    case 'cancelled':
      return say('Cancelled.');
    case 'failed':
      return say(`${message.code}: ${message.message}`);
    case 'exit':
      if (message.code !== 0) say(`The training process ended with status ${message.code}.`);
      return show({ running: false, finished: !button('report').disabled });
  }
}

const { training } = /** @type {typeof window & { training: Training }} */ (window);

training.onMessage(handle);
for (const verb of /** @type {const} */ (['start', 'stop', 'cancel', 'report'])) {
  button(verb).addEventListener('click', () => {
    training[verb]();
    if (verb !== 'start') return;
    show({ running: true, finished: false });
    bar.value = 0;
    say('Starting.');
  });
}
