// A priority queue of vertex ids, smallest first: a binary heap in one array.

/** Ids come out ascending; an id that was pushed twice comes out twice. */
export class IdQueue {
  readonly #heap: number[] = [];

  push(id: number): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as number;
      if (above <= id) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = id;
  }

  /** The smallest id, or undefined when there is none. */
  pop(): number | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return top;
  }

  /** Puts `id` at the root and lets it sink to its place. */
  #sink(id: number): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      const below = heap[child] as number;
      if (below >= id) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = id;
  }
}
