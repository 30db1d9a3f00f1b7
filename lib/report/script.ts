// What a page does beyond standing there: zoom, drag and search in a drawn segment graph, arrows lit on
// hover, and rows that lead to their box. A page is complete without it. Plain JavaScript, run as it is.

export const pageScript = `
document.documentElement.classList.add('scripted');
for (const figure of document.querySelectorAll('.drawing')) {
  const view = figure.querySelector('.viewport');
  const svg = view.querySelector('svg');
  const [width, height] = [svg.width.baseVal.value, svg.height.baseVal.value];
  let zoom = 1;

  // Scales around a point of the viewport, which stays where it is.
  const scale = (next, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    next = Math.min(4, Math.max(0.02, next));
    const [left, top] = [(view.scrollLeft + x) / zoom, (view.scrollTop + y) / zoom];
    zoom = next;
    svg.style.width = width * zoom + 'px';
    svg.style.height = height * zoom + 'px';
    // Lines stay to be seen from afar; where nothing could be read any more, boxes are spots of their colour.
    svg.style.setProperty('--thick', Math.max(1, 0.6 / zoom));
    svg.classList.toggle('far', zoom < 0.2);
    view.scrollTo(left * zoom - x, top * zoom - y);
  };
  // A drawing that is too wide starts smaller, though still to be read, with the inputs in view.
  if (width > view.clientWidth) {
    scale(Math.max(0.8, view.clientWidth / width));
    const [start, from] = [svg.querySelector('.terminal').getBoundingClientRect(), view.getBoundingClientRect()];
    view.scrollTo(view.scrollLeft + start.left + start.width / 2 - from.left - from.width / 2, 0);
  }
  const fit = () => scale(Math.min(view.clientWidth / width, (0.86 * innerHeight) / height));
  const actions = { in: () => scale(zoom * 1.3), out: () => scale(zoom / 1.3), fit, full: () => scale(1) };
  figure.querySelector('.tools').addEventListener('click', ({ target }) => actions[target.dataset.do]?.());
  view.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = view.getBoundingClientRect();
    scale(zoom * Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
  }, { passive: false });

  let held = null;
  view.addEventListener('pointerdown', ({ pointerType, pageX, pageY }) => {
    if (pointerType === 'mouse') held = [pageX + view.scrollLeft, pageY + view.scrollTop];
  });
  addEventListener('pointermove', ({ pageX, pageY }) => {
    if (!held) return;
    view.classList.add('dragged');
    view.scrollTo(held[0] - pageX, held[1] - pageY);
  });
  addEventListener('pointerup', () => {
    held = null;
    view.classList.remove('dragged');
  });

  const boxes = [...svg.querySelectorAll('.box')];
  const light = (place) => {
    for (const link of svg.querySelectorAll('.link'))
      link.classList.toggle('lit', place !== undefined && [link.dataset.from, link.dataset.to].includes(place));
  };
  for (const box of boxes) {
    box.addEventListener('pointerenter', () => light(box.dataset.place));
    box.addEventListener('pointerleave', () => light());
  }

  // Where nothing hovers, a box leads to its row, which says the same.
  const tell = ({ dataset }) => {
    const row = figure.querySelector('[data-row="' + dataset.segment + '"]');
    row.closest('details').open = true;
    row.scrollIntoView({ block: 'center' });
  };
  if (matchMedia('(hover: none)').matches) for (const box of boxes) box.addEventListener('click', () => tell(box));

  const show = (box) => {
    for (const other of boxes) other.classList.toggle('found', other === box);
    if (!box) return;
    if (zoom < 0.6) scale(1);
    figure.scrollIntoView({ block: 'nearest' });
    const [to, from] = [box.getBoundingClientRect(), view.getBoundingClientRect()];
    view.scrollBy(to.left + to.width / 2 - from.left - from.width / 2, to.top + to.height / 2 - from.top - from.height / 2);
    light(box.dataset.place);
  };
  // Names are the indented lines of what shows on hover.
  const texts = boxes.map((box) =>
    box.querySelector('title').textContent.toLowerCase().split('\\n').filter((line) => line.startsWith('  ')).join('\\n'));
  let at = -1;
  figure.querySelector('input').addEventListener('keydown', ({ key, target }) => {
    const text = target.value.trim().toLowerCase();
    if (key !== 'Enter' || text === '') return;
    const found = texts.map((_, index) => (at + 1 + index) % texts.length).find((index) =>
      boxes[index].dataset.segment === text || texts[index].includes(text));
    at = found ?? -1;
    show(boxes[at]);
  });
  for (const row of figure.querySelectorAll('[data-row]'))
    row.addEventListener('click', () => show(boxes.find((box) => box.dataset.segment === row.dataset.row)));
}
`;
