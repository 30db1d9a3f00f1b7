// The frame of every page: one file that needs no other and no network. The policy in its head forbids
// fetching anything, so that stays true.

import { html, trusted, type Content, type Markup } from './markup.js';
import { pageScript } from './script.js';
import { pageStyle } from './style.js';

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

export const page = (title: string, subtitle: Content, body: Content): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${trusted(pageStyle)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p>${subtitle}</p>
        </header>
        <main>${body}</main>
        <script>
          ${trusted(pageScript)};
        </script>
      </body>
    </html> `.markup;

/** A titled part of a page. */
export const section = (title: string, body: Content): Markup =>
  html`<section>
    <h2>${title}</h2>
    ${body}
  </section> `;

/** Rows under headings. Columns in `numeric` are aligned to the right. */
export const table = (
  headings: readonly Content[],
  rows: readonly (readonly Content[])[],
  numeric: readonly number[] = [],
): Markup => {
  const classOf = (column: number): Content => numeric.includes(column) && html` class="number"`;
  const head = headings.map((cell, column) => html`<th${classOf(column)}>${cell}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, column) => html`<td${classOf(column)}>${cell}</td>`)}
      </tr> `,
  );
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
};
