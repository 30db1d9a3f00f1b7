// The window: buttons send verbs, messages change what it says.

const element = (id) => document.getElementById(id);
const say = (text) => (element('state').textContent = text);

function show(running, finished) {
  element('start').disabled = running;
  element('stop').disabled = element('cancel').disabled = !running;
  element('report').disabled = !finished;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

const showProgress = {
  step: ({ step, steps, loss, phase }) => {
    element('progress').value = step / steps;
    say(`${phase}: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
  },
  selection: ({ segments }) => say(`erasing segments ${segments.join(', ')}`),
  epoch: ({ testAccuracy }) => say(`accuracy ${percent(testAccuracy)}`),
};

const handlers = {
  progress: ({ progress }) => showProgress[progress.kind]?.(progress),
  done: ({ summary: { supernet, subnet } }) => {
    say(`${supernet.params} parameters became ${subnet.params}, accuracy ${percent(subnet.accuracy)}`);
    show(false, true);
  },
  cancelled: () => say('Cancelled.'),
  failed: ({ code, message }) => say(`${code}: ${message}`),
  exit: ({ code }) => {
    if (code !== 0) say(`The training process ended with status ${code}.`);
    show(false, !element('report').disabled);
  },
};

window.training.onMessage((message) => handlers[message.kind]?.(message));
for (const verb of ['start', 'stop', 'cancel', 'report']) {
  element(verb).addEventListener('click', () => {
    window.training[verb]();
    if (verb === 'start') show(true, false);
  });
}
