// A window's page, as far as the example goes: the elements of its HTML that have an id, its preload
// script and its module. Everything that crosses to it and back is copied, as between processes.

import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';

export class Element {
  readonly #clicked: (() => void)[] = [];
  readonly #changed: () => void;
  #text: string;
  disabled: boolean;
  value = 0;

  constructor(disabled: boolean, text: string, changed: () => void) {
    this.disabled = disabled;
    this.#text = text;
    this.#changed = changed;
  }

  get textContent(): string {
    return this.#text;
  }

  set textContent(text: string) {
    this.#text = text;
    this.#changed();
  }

  addEventListener(_event: 'click', listener: () => void): void {
    this.#clicked.push(listener);
  }

  /** As the mouse would: nothing happens where the button is disabled. */
  click(): void {
    if (!this.disabled) this.#clicked.forEach((listener) => listener());
  }
}

/** Messages from the page to the program, by channel. */
export type Send = (channel: string) => void;

export class Page {
  readonly #incoming = new EventEmitter();
  readonly #elements = new Map<string, Element>();
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Loads the HTML, runs the preload script if there is one, and then the module. */
  async load(path: string, preload: string | undefined, changed: (page: Page) => void): Promise<void> {
    const html = await readFile(path, 'utf8');
    for (const [, attributes = '', id = '', text = ''] of html.matchAll(
      /<\w+ ((?:[^>]* )?id="(\w+)"[^>]*)>([^<]*)/g,
    )) {
      this.#elements.set(id, new Element(/\bdisabled\b/.test(attributes), text, () => changed(this)));
    }
    Object.assign(globalThis, {
      window: globalThis,
      document: { getElementById: (id: string) => this.#elements.get(id) ?? null },
    });
    if (preload !== undefined) this.#run(await readFile(preload, 'utf8'));
    const script = /<script type="module" src="([^"]+)"/.exec(html)?.[1];
    if (script !== undefined) await import(pathToFileURL(join(dirname(path), script)).href);
  }

  element(id: string): Element {
    const found = this.#elements.get(id);
    if (!found) throw new Error(`the page has no element '${id}'`);
    return found;
  }

  receive(channel: string, message: unknown): void {
    this.#incoming.emit(channel, {}, structuredClone(message));
  }

  #run(preload: string): void {
    const electron = {
      contextBridge: {
        exposeInMainWorld: (name: string, api: object) => Object.assign(globalThis, { [name]: api }),
      },
      ipcRenderer: {
        send: this.#send,
        on: (channel: string, listener: (...args: unknown[]) => void) => this.#incoming.on(channel, listener),
      },
    };
    const run = runInThisContext(`(require) => {${preload}\n}`) as (require: () => object) => void;
    run(() => electron);
  }
}
