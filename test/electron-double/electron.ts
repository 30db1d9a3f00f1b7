// What the example takes of Electron, in one process of Node and a child of it. A user sits in front of
// it: starts the training, and then does what DOUBLE_CLICKS says (`stop` or `cancel`, in the middle;
// `report`, at the end). Every state of the window is printed as a line of JSON.

import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { tmpdir } from 'node:os';

import { Page } from './page.js';

const clicks = process.env['DOUBLE_CLICKS'] ?? '';
const register = new URL('register.mjs', import.meta.url).href;
const port = new URL('port.ts', import.meta.url).href;

const print = (line: object): void => console.log(JSON.stringify(line));

export const ipcMain = new EventEmitter();

export const app = Object.assign(new EventEmitter(), {
  whenReady: () => Promise.resolve(),
  getPath: tmpdir,
  quit: () => {
    app.emit('before-quit');
    process.exit(0);
  },
});

class UtilityProcess extends EventEmitter {
  readonly #child: ChildProcess;

  constructor(path: string) {
    super();
    this.#child = fork(path, {
      execArgv: ['--import', register, '--import', port],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => this.emit('message', message));
    this.#child.on('exit', (code) => this.emit('exit', code));
  }

  postMessage(message: object): void {
    this.#child.send(message);
  }

  kill(): boolean {
    return this.#child.kill();
  }
}

export const utilityProcess = { fork: (path: string) => new UtilityProcess(path) };

interface WindowOptions {
  readonly webPreferences?: { readonly preload?: string };
}

export class BrowserWindow {
  readonly #page = new Page((channel) => void ipcMain.emit(channel));
  readonly #preload: string | undefined;
  #clicked = false;

  constructor({ webPreferences }: WindowOptions) {
    this.#preload = webPreferences?.preload;
  }

  readonly webContents = {
    send: (channel: string, message: { readonly kind: string; readonly code?: number }): void => {
      this.#page.receive(channel, message);
      if (message.kind === 'exit') this.#end();
    },
  };

  isDestroyed(): boolean {
    return false;
  }

  async loadFile(path: string): Promise<void> {
    // The report is a page of its own, for people alone.
    if (this.#preload === undefined) {
      print({ report: path });
      return app.quit();
    }
    await this.#page.load(path, this.#preload, () => this.#shown());
    setImmediate(() => this.#page.element('start').click());
  }

  #shown(): void {
    const enabled = ['start', 'stop', 'cancel', 'report'].filter((id) => !this.#page.element(id).disabled);
    const state = this.#page.element('state').textContent;
    print({ state, progress: this.#page.element('progress').value, enabled });
    if (this.#clicked || !/step \d+/.test(state)) return;
    this.#clicked = true;
    if (clicks !== 'report') this.#page.element(clicks).click();
  }

  /** The training process is gone. */
  #end(): void {
    this.#shown();
    if (clicks === 'report') this.#page.element('report').click();
    else app.quit();
  }
}
