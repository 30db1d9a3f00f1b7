// Drawings of the segment graph. The oracles are the search space itself, the constructed sub-network and
// plain geometry; pages are read back as text.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import test from 'ava';
import { pictures } from '../scripts/make-pictures.js';
import { darts8, stackedUnets } from '../lib/models/index.js';
import { Network } from '../lib/network.js';
import { layOut } from '../lib/report/layout.js';
import { element, render } from '../lib/report/markup.js';
import { collapse, commonPath } from '../lib/report/labels.js';
import { arrange, type Place } from '../lib/report/places.js';
import { segmentGraph } from '../lib/report/segment-graph.js';
import { drawSpace } from '../lib/report/space.js';
import { addGates } from '../lib/search/gates.js';
import { searchSpace, type SearchSpace } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { isValid } from '../lib/search/validity.js';
import type { Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { boxes, find, references } from './page-parts.js';
import { networks, trials } from './random-networks.js';

const unets = searchSpace(stackedUnets({ input: [3, 32, 32], classes: 10, width: 8 }));

test('a page shows every segment with its operators, nodes and reason', async (t) => {
  const drawn = boxes(await drawSpace(unets, 'stackedunets'));
  t.deepEqual(
    drawn.map(({ id }) => id).toSorted((a, b) => a - b),
    unets.segments.map(({ id }) => id),
  );
  for (const { id, classes, title } of drawn) {
    const segment = unets.segments[id] ?? t.fail();
    t.true(title.includes(segment.removable ? 'removable (group ' : segment.reason), title);
    t.is(classes.includes('removable'), segment.removable);
    for (const node of segment.nodes) t.true(title.includes(`  ${node.op.name}  ${node.name}`), title);
  }
  t.is(drawn.filter(({ classes }) => classes.includes('removable')).length, 6);
  t.is(drawn.filter(({ classes }) => classes.includes('joint')).length, 7);
});

test('with gates, stacks are still named after the node of the cell that they feed', (t) => {
  const { graph } = addGates(darts8({ input: [3, 8, 8], classes: 10, width: 2 }));
  const { places } = arrange(segmentGraph(searchSpace(graph)));
  const stacks = places.flatMap((place) => (place.kind === 'cards' && place.cards.length > 1 ? [place] : []));
  t.true(stacks.length > 50);
  for (const { caption } of stacks) t.regex(caption, /in parallel · cell\d\.node\d/);
  t.true(stacks.every(({ cards }) => cards.some(({ cost }) => cost === '1 param')));
});

test('a page says the same in a table', async (t) => {
  const page = await drawSpace(unets, 'stackedunets');
  const rows = find(page, 'tr').filter(({ attributes }) => attributes['data-row'] !== undefined);
  t.is(rows.length, unets.segments.length);
});

/** A network whose names want to be markup. */
function hostile(): Graph {
  const net = new Network();
  const x = net.input('"><script>alert(1)</script>', [1, 2, 4, 4]);
  const branch = net.conv(x, 2, { kernel: 3, name: '<script>alert(2)</script>' });
  const sum = net.add(
    [net.relu(branch, { name: `'onload='alert(3)' \u0000\ud800` }), net.conv(x, 2, { kernel: 1 })],
    {
      name: '</title></svg><img src=x onerror=alert(4)>',
    },
  );
  return net.graph([sum]);
}

test('names cannot become markup', async (t) => {
  const page = await drawSpace(searchSpace(hostile()), '</title><script>alert(5)</script>');
  t.is(page.match(/<script/g)?.length, 1, 'the only script is our own');
  t.is(page.match(/<svg/g)?.length, 1);
  t.false(/<img|<\/title><\/svg>|alert\(\d\)<\/script>/.test(page));
  const titles = boxes(page).map(({ title }) => title);
  t.true(
    titles.some((title) => title.includes('<script>alert(2)</script>')),
    'they are still shown',
  );
  t.true(
    titles.some((title) => title.includes(`'onload='alert(3)' \ufffd\ufffd`)),
    titles.join(),
  );
  t.true(titles.some((title) => title.includes('</title></svg><img src=x onerror=alert(4)>')));
});

test('any text comes back from an attribute and from content as it was', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const drawn = element('b', { title: text }, text).markup;
      const [tag] = find(drawn, 'b');
      const clean = text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
      return tag?.text === clean && tag.attributes['title'] === clean;
    }),
  );
  t.is(
    render(['a<', null, false, undefined, 1, element('i', { x: 1.239, y: undefined })]),
    'a&lt;1<i x="1.24"></i>',
  );
});

test('a page needs no other file and no network', async (t) => {
  const page = await drawSpace(unets, 'stackedunets');
  const allowed = /^(data:,|url\(#arrow-(live|dead)|http:\/\/www\.w3\.org\/2000\/svg)$/;
  t.deepEqual(
    references(page).filter((reference) => !allowed.test(reference)),
    [],
  );
  t.true(page.includes(`http-equiv="Content-Security-Policy" content="default-src 'none';`));
});

/** Some valid erasures of a search space. */
function validErasures(space: SearchSpace, seed: number): readonly (readonly number[])[] {
  const stream = random(seed);
  const drawn = Array.from({ length: 4 }, () =>
    space.groups.map(({ id }) => id).filter(() => stream.uniform() < 0.4),
  );
  return drawn.filter((erased) =>
    isValid(
      space.skeleton,
      Uint8Array.from(space.groups, ({ id }) => (erased.includes(id) ? 1 : 0)),
    ),
  );
}

test('what is drawn as kept is what the constructed sub-network consists of', (t) => {
  let compared = 0;
  fc.assert(
    fc.property(networks(), fc.nat(), ({ graph }, seed) => {
      const space = searchSpace(graph);
      for (const erased of validErasures(space, seed)) {
        const subnet = constructSubnet(space, erased);
        const left = new Set(subnet.graph.nodes.map(({ name }) => name));
        for (const { id, nodes, joint, fate } of segmentGraph(space, erased).boxes) {
          const stays = nodes.every((name) => left.has(name));
          // At an output a joint with one input leaves a node, to keep its name.
          const named = joint && fate === 'dropped' && graph.outputs.some(({ name }) => name === nodes[0]);
          if (stays !== (fate === 'kept') && !named) throw new Error(`segment ${id} is drawn as ${fate}`);
          if ((fate === 'erased') !== subnet.erased.includes(id)) throw new Error(`segment ${id}: ${fate}`);
        }
        compared += 1;
      }
    }),
    trials(100),
  );
  t.true(compared > 50, `${compared} erasures were compared`);
});

test('arrows are those of the segment graph, and data flows only between what is left', (t) => {
  const { arrows, boxes } = segmentGraph(unets, [0]);
  const between = arrows.filter(({ from, to }) => from[0] === 'segment' && to[0] === 'segment');
  t.deepEqual(
    between.map(({ from, to }) => [from[1], to[1]]),
    unets.segments.flatMap(({ id, next }) => next.map((other) => [id, other])),
  );
  t.is(arrows.filter(({ from }) => from[0] === 'input').length, 2);
  t.is(arrows.filter(({ to }) => to[0] === 'output').length, 1);
  for (const { from, to, live } of between) {
    if (boxes[from[1]]?.fate === 'erased' || boxes[to[1]]?.fate === 'erased') t.false(live);
  }
});

/** Blocks of four parallel branches around a skip. */
function wideNetwork(blocks: number): Graph {
  const net = new Network();
  let x = net.conv(net.input('image', [1, 2, 4, 4]), 4, { kernel: 1 });
  for (let block = 0; block < blocks; block += 1) {
    x = net.add([x, ...[1, 3, 1, 3].map((kernel) => net.batchNorm(net.conv(x, 4, { kernel })))]);
  }
  return net.graph([x]);
}

const overlap = (a: Edges, b: Edges): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

interface Edges {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Every layer reads all before it, concatenated. */
function denseNetwork(layers: number): Graph {
  const net = new Network();
  const values = [net.input('image', [1, 3, 8, 8])];
  for (let layer = 0; layer < layers; layer += 1) values.push(net.conv(net.concat([...values]), 4));
  return net.graph([net.globalAveragePool(net.concat(values))]);
}

for (const [name, space] of [
  ['a small network', unets],
  ['a large one with stacks', searchSpace(wideNetwork(15))],
  ['one whose layers feed all later ones', searchSpace(denseNetwork(24))],
] as const) {
  test(`places of ${name} lie inside the drawing and do not overlap`, async (t) => {
    const scene = arrange(segmentGraph(space));
    const { width, height, centres, courses } = await layOut(scene);
    const edges = scene.places.map((place: Place): Edges => {
      const [x, y] = centres.get(place.key) ?? t.fail();
      const [w, h] = [place.width / 2, place.height / 2];
      return { left: x - w, right: x + w, top: y - h, bottom: y + h };
    });
    // Graphviz writes five digits.
    const slack = 0.05;
    for (const { left, right, top, bottom } of edges) {
      t.true(left >= -slack && top >= -slack && right <= width + slack && bottom <= height + slack);
    }
    t.false(edges.some((a, i) => edges.some((b, j) => i < j && overlap(a, b))));
    t.is(courses.length, scene.links.length);
    t.true(courses.every(({ points }) => points.length % 3 === 1));
  });
}

test('parallel branches of a large network are stacked, each still a box of its own', async (t) => {
  const space = searchSpace(wideNetwork(15));
  const page = await drawSpace(space, 'wide');
  t.deepEqual(
    find(page, '.caption').map(({ text }) => text),
    Array.from({ length: 15 }, () => '4 in parallel'),
  );
  t.is(boxes(page).length, space.segments.length);
});

test('a joint is drawn with its id and name, a stack with the path that its names share', async (t) => {
  const net = new Network();
  let x = net.input('image', [1, 2, 4, 4]);
  for (let block = 0; block < 15; block += 1) {
    const branches = [1, 3, 1, 3].map((kernel, edge) =>
      net.relu(net.conv(x, 2, { kernel, name: `block${block}.edges.${edge}` })),
    );
    x = net.add([x, ...branches], { name: `block${block}.sum` });
  }
  const page = await drawSpace(searchSpace(net.graph([x])), 'blocks');
  const joints = find(page, 'g').filter(({ attributes }) => attributes['class']?.includes('joint'));
  const texts = find(page, 'text').map(({ text }) => text);
  t.is(joints.length, 15);
  for (const { attributes } of joints) t.true(texts.includes(`${attributes['data-segment']} Add`));
  for (const block of joints.keys()) {
    t.true(texts.includes(`block${block}.sum`));
    t.true(texts.includes(`4 in parallel · block${block}.edges`));
  }
});

test('names share the longest path that each list has', (t) => {
  t.is(commonPath([['relu_1', 'cell.edge1.conv'], ['cell.edge1.pool']]), 'cell.edge1');
  t.is(commonPath([['/features/0/Conv'], ['/features/1/Conv']]), '/features');
  t.is(commonPath([['conv_1'], ['conv_2']]), '');
});

test('repeated operators are written once', (t) => {
  t.is(collapse(['Conv']), 'Conv');
  t.is(collapse(['Conv', 'BatchNorm', 'Relu']), 'Conv BatchNorm Relu');
  t.is(collapse(['Conv', 'Conv', 'Relu']), 'Conv ×2 Relu');
  t.is(collapse(['Conv', 'Conv', 'Conv']), 'Conv ×3');
  t.is(collapse(['Relu', 'Conv', 'Conv', 'Relu', 'Conv', 'Conv']), '(Relu Conv ×2) ×2');
});

test('the pictures in the documentation are what the script makes', async (t) => {
  for (const { path, draw } of pictures) t.is(readFileSync(path, 'utf8'), await draw(), path);
});
