// Main process: one window, and one utility process that trains. It only passes messages on; the window
// never sees Node, and a training that crashes is an `exit` event here and not the end of the program.
//
// With EXAMPLE_TEST set it opens no visible window, starts by itself, and ends with the training.

import { app, BrowserWindow, ipcMain, utilityProcess } from 'electron';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param {string} name */
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const testing = Boolean(process.env['EXAMPLE_TEST']);

/** @type {Electron.UtilityProcess | null} */
let training = null;

/** Each run has a folder of its own: a folder that holds a run takes no second one. */
const freshDirectory = () => mkdtemp(join(app.getPath('temp'), 'halfspace-'));

/**
 * @param {BrowserWindow} window
 * @param {string} directory
 */
function startTraining(window, directory) {
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

/**
 * The report is a page of its own, without scripts from elsewhere; it gets no preload.
 *
 * @param {string} directory
 */
async function showReport(directory) {
  const window = new BrowserWindow({ width: 1000, height: 800 });
  await window.loadFile(join(directory, 'report.html'));
}

async function open() {
  let directory = await freshDirectory();
  const window = new BrowserWindow({
    show: !testing,
    width: 640,
    height: 420,
    webPreferences: { preload: here('preload.cjs') },
  });
  const start = async () => {
    if (training) return;
    directory = await freshDirectory();
    startTraining(window, directory);
  };
  ipcMain.on('start', () => void start());
  ipcMain.on('stop', () => training?.postMessage({ kind: 'stop' }));
  ipcMain.on('cancel', () => training?.postMessage({ kind: 'cancel' }));
  ipcMain.on('report', () => void showReport(directory));
  await window.loadFile(here('index.html'));
  if (testing) await start();
}

app.on('window-all-closed', () => app.quit());
app.on('before-quit', () => training?.kill());
await app.whenReady();
await open();
