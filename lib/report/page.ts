// The frame of every page: one file that needs no other and no network. The policy in its head forbids
// fetching anything, so that stays true.

import { element, render, trusted, type Content, type Markup } from './markup.js';
import { pageScript } from './script.js';
import { pageStyle } from './style.js';

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

const head = (title: string): Content =>
  trusted(`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="data:,">
<title>${render(title)}</title>
<style>
${pageStyle}</style>
`);

export function page(title: string, subtitle: Content, body: Content): string {
  const header = element('header', {}, element('h1', {}, title), element('p', {}, subtitle));
  const main = element('main', {}, '\n', body);
  const script = element('script', {}, trusted(pageScript));
  const contents = element('body', {}, '\n', header, '\n', main, '\n', script, '\n');
  const root = element('html', { lang: 'en' }, element('head', {}, head(title)), '\n', contents);
  return `<!doctype html>\n${root.markup}\n`;
}

/** A titled part of a page. */
export const section = (title: string, ...body: readonly Content[]): Markup =>
  element('section', {}, element('h2', {}, title), '\n', body, '\n');

/** A sentence that explains. */
export const note = (...text: readonly Content[]): Markup => element('p', { class: 'note' }, text);

/** What shows when it is asked for. */
export const details = (summary: string, ...body: readonly Content[]): Markup =>
  element('details', {}, element('summary', {}, summary), body);

export interface Column {
  readonly heading: string;
  readonly numeric?: boolean;
}

/** Rows under headings; numeric columns are aligned to the right. `attributes` are those of a row. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  attributes: (row: number) => Readonly<Record<string, string | number>> = () => ({}),
): Markup {
  const cell = (tag: string, column: number, content: Content): Markup =>
    element(tag, { class: columns[column]?.numeric ? 'number' : undefined }, content);
  const heads = columns.map(({ heading }, column) => cell('th', column, heading));
  const body = rows.map((row, index) => [
    element(
      'tr',
      attributes(index),
      row.map((content, column) => cell('td', column, content)),
    ),
    '\n',
  ]);
  return element(
    'div',
    { class: 'scroll' },
    element('table', {}, element('thead', {}, element('tr', {}, heads)), '\n', element('tbody', {}, body)),
  );
}
