// The bridge between window and main process: four verbs and one event, no Node for the page.

const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('training', {
  start: () => ipcRenderer.send('start'),
  stop: () => ipcRenderer.send('stop'),
  cancel: () => ipcRenderer.send('cancel'),
  report: () => ipcRenderer.send('report'),
  onMessage: (/** @type {(message: unknown) => void} */ listener) =>
    ipcRenderer.on('training', (_event, message) => listener(message)),
});
