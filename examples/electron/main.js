// Main process: one window, and one utility process that trains. It only passes messages on; the window
// never sees Node, and a training that crashes is an `exit` event here and not the end of the program.
//
// With EXAMPLE_TEST set it opens no visible window, starts by itself, and ends with the training.

import { app, BrowserWindow, ipcMain, utilityProcess } from 'electron';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const testing = Boolean(process.env['EXAMPLE_TEST']);

let training = null;

function startTraining(window, directory) {
  if (training) return;
  training = utilityProcess.fork(here('training.js'), [], { serviceName: 'training' });
  training.on('message', (message) => {
    if (!window.isDestroyed()) window.webContents.send('training', message);
    if (testing) console.log(JSON.stringify(message));
  });
  training.on('exit', (code) => {
    training = null;
    if (!window.isDestroyed()) window.webContents.send('training', { kind: 'exit', code });
    if (testing) app.exit(code);
  });
  training.postMessage({ kind: 'start', model: 'demosupnet', remove: 2, directory });
}

/** The report is a page of its own, without scripts from elsewhere; it gets no preload. */
async function showReport(directory) {
  const window = new BrowserWindow({ width: 1000, height: 800 });
  await window.loadFile(join(directory, 'report.html'));
}

async function open() {
  const directory = await mkdtemp(join(app.getPath('temp'), 'halfspace-'));
  const window = new BrowserWindow({
    show: !testing,
    width: 640,
    height: 420,
    webPreferences: { preload: here('preload.cjs') },
  });
  ipcMain.on('start', () => startTraining(window, directory));
  ipcMain.on('stop', () => training?.postMessage({ kind: 'stop' }));
  ipcMain.on('cancel', () => training?.postMessage({ kind: 'cancel' }));
  ipcMain.on('report', () => void showReport(directory));
  await window.loadFile(here('index.html'));
  if (testing) startTraining(window, directory);
}

app.on('window-all-closed', () => app.quit());
app.on('before-quit', () => training?.kill());
await app.whenReady();
await open();
