// Coordinates of places and the curves between them, by Graphviz. It is given numbers alone, no name of
// any network, so nothing has to be quoted. Pixels here are Graphviz's points.

import { invariant } from '../errors.js';
import type { Link, Scene } from './places.js';

export type Point = readonly [x: number, y: number];

/** A link and its course: the start, then three points for each Bézier segment. */
export interface Course extends Link {
  readonly points: readonly Point[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centres by the keys of the places. */
  readonly centres: ReadonlyMap<string, Point>;
  readonly courses: readonly Course[];
}

const pointsPerInch = 72;

/** Data flows from top to bottom. Takes a second or so for some hundred places. */
export async function layOut(scene: Scene): Promise<Layout> {
  // Megabytes, wanted by few who load the library.
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  const result = viz.render(describe(scene), { format: 'plain' });
  const complaints = result.errors.map(({ message }) => message).join('; ');
  invariant(result.status === 'success', `no layout of the segment graph: ${complaints}`);
  return read(result.output, scene);
}

/** With more links a place, layers feed many later ones, and Graphviz would search minutes for the best layout. */
const many = 3;

/** Iterations a node of Graphviz's simplex methods, and the share of its usual tries against crossings. */
const hasty = { nslimit: 0.3, nslimit1: 0.3, mclimit: 0.02 };

const describe = ({ places, links }: Scene) => ({
  graphAttributes: {
    rankdir: 'TB',
    ranksep: 0.36,
    nodesep: 0.22,
    ...(links.length > many * places.length ? hasty : {}),
  },
  nodeAttributes: { shape: 'box', fixedsize: true, label: '' },
  edgeAttributes: { arrowhead: 'none' },
  nodes: places.map(({ key, width, height }) => ({
    name: key,
    attributes: { width: width / pointsPerInch, height: height / pointsPerInch },
  })),
  edges: links.map(({ from, to }) => ({ tail: from, head: to })),
});

/**
 * Graphviz's `plain` format: `graph scale width height`, then `node name x y ...` and
 * `edge tail head n x1 y1 ... xn yn ...`, in inches from the lower left corner.
 */
function read(plain: string, { links }: Scene): Layout {
  const rows = plain.split('\n').map((line) => line.split(' '));
  const of = (kind: string): readonly (readonly string[])[] => rows.filter(([first]) => first === kind);
  const size = of('graph')[0] ?? [];
  const [width, height] = [Number(size[2]) * pointsPerInch, Number(size[3]) * pointsPerInch];
  const point = (row: readonly string[], at: number): Point => [
    Number(row[at]) * pointsPerInch,
    height - Number(row[at + 1]) * pointsPerInch,
  ];
  const live = new Map(links.map((link) => [`${link.from} ${link.to}`, link.live]));
  return {
    width,
    height,
    centres: new Map(of('node').map((row) => [row[1] as string, point(row, 2)])),
    courses: of('edge').map((row) => ({
      from: row[1] as string,
      to: row[2] as string,
      live: live.get(`${row[1]} ${row[2]}`) ?? true,
      points: Array.from({ length: Number(row[3]) }, (_, index) => point(row, 4 + 2 * index)),
    })),
  };
}
