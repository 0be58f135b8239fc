import { drawn } from '../kit/svg';
import type { Tree } from './hierarchy';
import { HEADER, PADDING, placedBoxes, type Box, type Layout, type Line, type Point } from './layout';

/** How a box looks beside its place. */
export interface Look {
  readonly title: string;
  readonly small: string;
  /** Said by a screen reader. */
  readonly spoken: string;
  /** Classes, `unsupported` or a kind among them. */
  readonly classes: string;
  /** Colours by a measure; null for those of the theme. */
  readonly fill: { readonly colour: string; readonly text: string } | null;
}

export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface DrawingEvents {
  onSelect(tree: Tree | null): void;
  onToggle(tree: Tree): void;
  onView(view: View): void;
  look(tree: Tree): Look;
}

const LARGEST_SCALE = 3;
const SMALLEST_SCALE = 0.05;
/** Below this scale text is not drawn: it could not be read. */
const READABLE = 0.35;
/** An open group smaller than this on the screen is drawn as if it were closed. */
const LEAST_OPEN_PIXELS = 46;
/** What lies this far outside the screen is drawn, too, so that panning finds it there. */
const MARGIN_PIXELS = 250;
const FIT_MARGIN = 24;
/** A picture that fits only when it cannot be read is shown from its begin instead. */
const LEAST_FIT = 0.65;
/** What a person goes to is shown at least this large, and then so. */
const COMFORTABLE = { least: 0.5, scale: 0.8 } as const;

interface Item {
  readonly key: string;
  readonly make: () => SVGElement;
}

/** Draws a layout. Only what is on the screen is in the document, so that graphs of any size move smoothly. */
export class Drawing {
  readonly element: HTMLElement;
  readonly #svg = drawn('svg', { class: 'drawing', role: 'tree', tabindex: 0, 'data-focus': 'drawing' });
  readonly #lines = drawn('g', {});
  readonly #boxes = drawn('g', {});
  readonly #labels = drawn('g', {});
  readonly #scene = drawn('g', {}, this.#lines, this.#boxes, this.#labels);
  readonly #shown = new Map<string, SVGElement>();
  #layout: Layout = { width: 0, height: 0, boxes: [], lines: [], entries: new Map(), exits: new Map() };
  #view: View = { x: 0, y: 0, scale: 1 };
  #selected: string | null = null;
  #marked: ReadonlySet<string> | null = null;
  #frame = 0;

  constructor(
    parent: HTMLElement,
    private readonly events: DrawingEvents,
  ) {
    this.element = parent;
    const marker = drawn(
      'marker',
      {
        id: 'arrow',
        viewBox: '0 0 8 8',
        refX: 7,
        refY: 4,
        markerWidth: 7,
        markerHeight: 7,
        orient: 'auto-start-reverse',
      },
      drawn('path', { d: 'M0 0.5 L8 4 L0 7.5 z', class: 'head' }),
    );
    this.#svg.append(drawn('defs', {}, marker), this.#scene);
    parent.append(this.#svg);
    this.#listen();
    new ResizeObserver(() => this.#request()).observe(parent);
  }

  set label(text: string) {
    this.#svg.setAttribute('aria-label', text);
  }

  get view(): View {
    return this.#view;
  }

  focus(): void {
    this.#svg.focus();
  }

  /** Draws everything anew: another layout, other colours, another theme. */
  draw(layout: Layout): void {
    this.#layout = layout;
    for (const element of this.#shown.values()) element.remove();
    this.#shown.clear();
    this.#render();
  }

  select(id: string | null): void {
    this.#selected = id;
    this.#mark();
  }

  /** What a search has found stays, the rest steps back; null shows all alike. */
  mark(ids: ReadonlySet<string> | null): void {
    this.#marked = ids;
    this.#mark();
  }

  setView(view: View): void {
    this.#move(view);
  }

  /** Zooms about a point of the screen; about its middle otherwise. */
  zoom(factor: number, about?: Point): void {
    const { clientWidth, clientHeight } = this.element;
    const centre = about ?? { x: clientWidth / 2, y: clientHeight / 2 };
    const scale = Math.min(Math.max(this.#view.scale * factor, SMALLEST_SCALE), LARGEST_SCALE);
    const ratio = scale / this.#view.scale;
    this.#move({
      scale,
      x: centre.x - (centre.x - this.#view.x) * ratio,
      y: centre.y - (centre.y - this.#view.y) * ratio,
    });
  }

  /** The whole picture; at first only as much of it as can be read. */
  fit(readable = false): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || this.#layout.width === 0) return;
    const across = (width - 2 * FIT_MARGIN) / this.#layout.width;
    const down = (height - 2 * FIT_MARGIN) / this.#layout.height;
    const whole = Math.min(across, down, 1.25);
    const scale = readable && whole < LEAST_FIT ? Math.min(Math.max(across, LEAST_FIT), 0.9) : whole;
    const used = this.#layout.height * scale;
    this.#move({
      scale: Math.max(scale, SMALLEST_SCALE),
      x: (width - this.#layout.width * scale) / 2,
      y: used > height ? FIT_MARGIN : (height - used) / 2,
    });
  }

  /** Moves the picture as little as needed for a box to be on the screen and large enough to be read. */
  reveal(id: string): void {
    const found = this.placeOf(id);
    if (!found) return;
    if (this.#view.scale < COMFORTABLE.least) this.zoom(COMFORTABLE.scale / this.#view.scale);
    const { clientWidth, clientHeight } = this.element;
    const { scale } = this.#view;
    const into = (start: number, size: number, all: number): number => {
      const margin = Math.min(60, Math.max(0, (all - size) / 2));
      if (start < margin) return margin - start;
      return start + size > all - margin ? Math.max(all - margin - start - size, margin - start) : 0;
    };
    const height = found.inside ? HEADER : found.height;
    const x = this.#view.x + into(found.x * scale + this.#view.x, found.width * scale, clientWidth);
    const y = this.#view.y + into(found.y * scale + this.#view.y, height * scale, clientHeight);
    if (x !== this.#view.x || y !== this.#view.y) this.#move({ scale, x, y });
  }

  /** A box and its place in the whole picture. */
  placeOf(id: string): Box | null {
    for (const { box, x, y } of placedBoxes(this.#layout)) if (box.tree.id === id) return { ...box, x, y };
    return null;
  }

  #move(view: View): void {
    this.#view = view;
    this.events.onView(view);
    this.#request();
  }

  #request(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#render());
  }

  #render(): void {
    const { x, y, scale } = this.#view;
    this.#scene.setAttribute('transform', `translate(${x} ${y}) scale(${scale})`);
    this.#svg.classList.toggle('far', scale < READABLE);
    const wanted = new Map<string, readonly [SVGGElement, Item]>();
    this.#collect(this.#layout, '', 0, 0, wanted);
    for (const [key, element] of this.#shown)
      if (!wanted.has(key)) {
        element.remove();
        this.#shown.delete(key);
      }
    for (const [key, [parent, item]] of wanted) {
      if (this.#shown.has(key)) continue;
      const element = item.make();
      this.#shown.set(key, element);
      parent.append(element);
    }
    this.#mark();
  }

  /** What of a layout is on the screen. `x` and `y` are the place of its origin in the picture. */
  #collect(
    layout: Layout,
    path: string,
    x: number,
    y: number,
    wanted: Map<string, readonly [SVGGElement, Item]>,
  ): void {
    const { scale } = this.#view;
    const visible = this.#visible();
    const isOutside = (left: number, top: number, width: number, height: number): boolean =>
      left > visible.right || left + width < visible.left || top > visible.bottom || top + height < visible.top;
    for (const box of layout.boxes) {
      const [left, top] = [x + box.x, y + box.y];
      if (isOutside(left, top, box.width, box.height)) continue;
      const small = Math.min(box.width, box.height) * scale < LEAST_OPEN_PIXELS;
      const opened = box.inside && !small;
      const key = `box ${box.tree.id} ${opened ? 'open' : ''}`;
      wanted.set(key, [this.#boxes, { key, make: () => this.#box(box, left, top, Boolean(opened)) }]);
      if (opened) this.#collect(box.inside, box.tree.id, left + PADDING, top + HEADER, wanted);
    }
    layout.lines.forEach((line, k) => {
      const xs = line.points.map(point => point.x + x);
      const ys = line.points.map(point => point.y + y);
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      if (isOutside(left, top, Math.max(...xs) - left, Math.max(...ys) - top)) return;
      const key = `line ${path} ${k}`;
      wanted.set(key, [this.#lines, { key, make: () => lineOf(line, x, y) }]);
      if (line.label && scale >= READABLE)
        wanted.set(`${key} label`, [this.#labels, { key: `${key} label`, make: () => labelOf(line, x, y) }]);
    });
  }

  /** The part of the picture that is on the screen, and a little more. */
  #visible(): { left: number; right: number; top: number; bottom: number } {
    const { x, y, scale } = this.#view;
    const { clientWidth, clientHeight } = this.element;
    return {
      left: (-x - MARGIN_PIXELS) / scale,
      right: (clientWidth - x + MARGIN_PIXELS) / scale,
      top: (-y - MARGIN_PIXELS) / scale,
      bottom: (clientHeight - y + MARGIN_PIXELS) / scale,
    };
  }

  #box(box: Box, x: number, y: number, opened: boolean): SVGElement {
    const { tree, width, height } = box;
    const look = this.events.look(tree);
    const isGroup = tree.kind === 'group';
    const made = drawn('g', {
      id: elementId(tree.id),
      class: `box ${look.classes} ${opened ? 'open' : isGroup ? 'closed' : ''}`,
      role: 'treeitem',
      'aria-label': look.spoken,
      'aria-selected': 'false',
      transform: `translate(${x} ${y})`,
      ...(isGroup ? { 'aria-expanded': String(opened) } : {}),
    });
    const coloured = opened ? null : look.fill;
    const fill: Record<string, string> = coloured ? { fill: coloured.colour } : {};
    const ink: Record<string, string> = coloured ? { fill: coloured.text } : {};
    if (isGroup && !opened) made.append(drawn('rect', { class: 'stack', x: 4, y: 4, width, height, rx: 5 }));
    made.append(
      drawn('rect', {
        class: 'body',
        width,
        height,
        rx: tree.kind === 'leaf' && tree.vertex.kind !== 'node' ? 17 : 5,
        ...fill,
      }),
    );
    if (!opened && !isGroup && !look.fill) made.append(drawn('rect', { class: 'strip', width: 5, height, rx: 2 }));
    const middle = opened ? HEADER / 2 + 1 : look.small === '' ? height / 2 : height / 2 - 8;
    const left = opened || isGroup ? 30 : 15;
    if (isGroup)
      made.append(
        drawn(
          'g',
          { class: 'toggle', transform: `translate(15 ${opened ? HEADER / 2 : height / 2})` },
          drawn('rect', { class: 'knob', x: -7, y: -7, width: 14, height: 14, rx: 3, ...fill }),
          drawn('path', {
            d: opened ? 'M-4 0 H4' : 'M-4 0 H4 M0 -4 V4',
            ...(coloured ? { stroke: coloured.text } : {}),
          }),
        ),
      );
    const room = width - left - 8;
    made.append(drawn('text', { class: 'title', x: left, y: middle, ...ink }, cut(look.title, room, 7.4)));
    if (!opened && look.small !== '')
      made.append(drawn('text', { class: 'small', x: left, y: middle + 16, ...ink }, cut(look.small, room, 6)));
    made.append(drawn('title', {}, look.spoken));
    made.dataset['tree'] = tree.id;
    return made;
  }

  #mark(): void {
    for (const [key, element] of this.#shown) {
      const { tree } = element.dataset;
      if (tree === undefined || !key.startsWith('box')) continue;
      const isSelected = tree === this.#selected;
      element.setAttribute('aria-selected', String(isSelected));
      element.classList.toggle('faint', this.#marked !== null && !this.#marked.has(tree));
    }
    const chosen = this.#selected === null ? null : document.getElementById(elementId(this.#selected));
    if (chosen) this.#svg.setAttribute('aria-activedescendant', chosen.id);
    else this.#svg.removeAttribute('aria-activedescendant');
  }

  #treeAt(target: EventTarget | null): Tree | null {
    const element = target instanceof Element ? target.closest<SVGElement>('[data-tree]') : null;
    const id = element?.dataset['tree'];
    return (id !== undefined && this.placeOf(id)?.tree) || null;
  }

  #listen(): void {
    let from: { readonly x: number; readonly y: number; readonly view: View } | null = null;
    let moved = false;
    this.#svg.addEventListener('pointerdown', event => {
      if (event.button > 1) return;
      from = { x: event.clientX, y: event.clientY, view: this.#view };
      moved = false;
    });
    this.#svg.addEventListener('pointermove', event => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      if (!moved) this.#svg.setPointerCapture(event.pointerId);
      moved = true;
      this.#svg.classList.add('dragging');
      this.#move({ ...from.view, x: from.view.x + dx, y: from.view.y + dy });
    });
    const end = (): void => {
      from = null;
      this.#svg.classList.remove('dragging');
    };
    this.#svg.addEventListener('pointerup', end);
    this.#svg.addEventListener('pointercancel', end);
    this.#svg.addEventListener('click', event => {
      if (moved) return;
      const tree = this.#treeAt(event.target);
      if (tree && event.target instanceof Element && event.target.closest('.toggle')) this.events.onToggle(tree);
      else this.events.onSelect(tree);
    });
    this.#svg.addEventListener('dblclick', event => {
      const tree = this.#treeAt(event.target);
      if (tree?.kind === 'group' && !(event.target as Element).closest('.toggle')) this.events.onToggle(tree);
    });
    this.#svg.addEventListener(
      'wheel',
      event => {
        event.preventDefault();
        const { left, top } = this.element.getBoundingClientRect();
        if (event.ctrlKey || event.metaKey)
          this.zoom(Math.exp(-event.deltaY / 300), { x: event.clientX - left, y: event.clientY - top });
        else {
          const [dx, dy] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
          this.#move({ ...this.#view, x: this.#view.x - dx, y: this.#view.y - dy });
        }
      },
      { passive: false },
    );
  }
}

/** An id of a document has no spaces. */
function elementId(tree: string): string {
  return `box-${encodeURIComponent(tree)}`;
}

/** Leaves away the end of a text that does not fit, by the mean width of a character. */
function cut(text: string, room: number, character: number): string {
  const most = Math.max(3, Math.floor(room / character));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function lineOf({ points, ends }: Line, x: number, y: number): SVGElement {
  const at = (point: Point): string => `${round(point.x + x)} ${round(point.y + y)}`;
  const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  // A smooth line: every inner point pulls a curve between the middles of its two sides.
  const parts = points.slice(1, -1).map((point, k) => {
    const next = k + 2 === points.length - 1 ? points[k + 2]! : middle(point, points[k + 2]!);
    return `Q ${at(point)} ${at(next)}`;
  });
  const path = `M ${at(points[0]!)} ${parts.length > 0 ? parts.join(' ') : `L ${at(points.at(-1)!)}`}`;
  return drawn('path', { class: 'line', d: path, ...(ends ? { 'marker-end': 'url(#arrow)' } : {}) });
}

function labelOf({ label, values }: Line, x: number, y: number): SVGElement {
  const { text, at, width } = label!;
  return drawn(
    'g',
    { class: 'label', transform: `translate(${round(at.x + x)} ${round(at.y + y)})` },
    drawn('rect', { x: -width / 2, y: -8, width, height: 16, rx: 3 }),
    drawn('text', {}, text),
    drawn('title', {}, values.map(({ name, type }) => `${name}${type ? ` (${type})` : ''}`).join('\n')),
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
