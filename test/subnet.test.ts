// Construction of sub-networks. The oracle is the super-network with the erased groups at zero, run in
// float64: both networks must give the same results up to the order of float64 sums (1e-9 relative).

import test from 'ava';
import { countMacs, countParameters, type Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { costWithout } from '../lib/search/cost.js';
import { setOf } from '../lib/search/selection.js';
import { searchSpace, type SearchSpace } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { DATA } from '../lib/search/states.js';
import { closure, evaluate } from '../lib/search/validity.js';
import { largeSets } from '../lib/search/ways.js';
import {
  forward,
  holds,
  randomWeights,
  relativeDifference,
  zeroed,
  type NetworkOptions,
} from './random-networks.js';

const TOLERANCE = 1e-9;

/** Difference between a sub-network and the zeroed super-network. */
function difference(space: SearchSpace, erased: readonly number[], seed = 1): number {
  const weights = zeroed(space, randomWeights(space.graph, seed), erased);
  const subnet = constructSubnet(space, erased);
  return relativeDifference(forward(space.graph, weights), forward(subnet.graph, subnet.carry(weights)));
}

/** Valid sets: a few random ones, closed, and a largest one. */
function validSets(space: SearchSpace, seed: number): readonly (readonly number[])[] {
  const { skeleton, groups } = space;
  const stream = random(seed);
  const drafts = [0.2, 0.4, 0.6, 0.8].map((share) => groups.map(() => (stream.uniform() < share ? 1 : 0)));
  const closed = drafts.map((draft) => closure(skeleton, Uint8Array.from(draft)));
  const [largest] = largeSets(skeleton, new Uint8Array(groups.length));
  const lists = [...closed, largest].flatMap((set) => (set ? [[...set.keys()].filter((id) => set[id])] : []));
  return [...new Map(lists.map((list) => [list.join(), list])).values()];
}

function checkSets(graph: Graph, seed: number): void {
  const space = searchSpace(graph);
  for (const erased of validSets(space, seed)) {
    const found = difference(space, erased);
    if (!(found <= TOLERANCE)) throw new Error(`erasing ${erased.join()} differs by ${found}`);
    const { graph: subnet } = constructSubnet(space, erased);
    const cost = costWithout(space.skeleton, setOf(space, erased));
    const counted = { params: countParameters(subnet), macs: countMacs(subnet) };
    if (JSON.stringify(cost) !== JSON.stringify(counted)) {
      throw new Error(`${erased.join()}: cost ${JSON.stringify(cost)}, counted ${JSON.stringify(counted)}`);
    }
  }
}

const property = (options: NetworkOptions): void => holds(options, 700, checkSets);

test('a sub-network of sums and concatenations computes what the zeroed network does', (t) => {
  t.notThrows(() => property({ jointsOnly: true }));
});

test('a sub-network with gates, slices and shared weights computes what the zeroed network does', (t) => {
  t.notThrows(() => property({}));
});

test('a sub-network with several outputs computes what the zeroed network does', (t) => {
  t.notThrows(() => property({ outputs: 3, length: 9 }));
});

/** Outputs judged to carry no data must not notice the images. */
function checkDeadOutputs(graph: Graph, seed: number): void {
  const space = searchSpace(graph);
  const stream = random(seed);
  const erased = space.groups.map((group) => group.id).filter(() => stream.uniform() < 0.8);
  const { states } = evaluate(space.skeleton, setOf(space, erased));
  const weights = zeroed(space, randomWeights(graph, seed), erased);
  const [first, second] = [0, 1].map((images) => forward(graph, weights, images));
  graph.outputs.forEach((output, index) => {
    const vertex = space.skeleton.trace.vertices.find(({ node }) => node === output.origin);
    if (!vertex || states[vertex.id] === DATA) return;
    const same = first?.[index]?.every((value, place) => value === second?.[index]?.[place]);
    if (!same) throw new Error(`'${output.name}' changes with the images when ${erased.join()} are zero`);
  });
}

test('an output that no data reaches does not depend on the input', (t) => {
  t.notThrows(() => holds({ jointsOnly: true, outputs: 3 }, 700, checkDeadOutputs));
});
