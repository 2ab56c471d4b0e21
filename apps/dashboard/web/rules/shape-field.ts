// The field of a form for an area or a line: drawn on the map, imported from a file, or written as coordinates.
import { h } from '../dom.ts';
import type { DrawnKind } from '../map/drawing.ts';
import type { FleetMap } from '../map/fleet-map.ts';
import { describeShape, type Shape } from '../map/shapes.ts';
import type { Sheet } from '../panel/panel.ts';
import { type ShapeUse, shapeIn, textOf } from './shape-text.ts';

const fileLimitBytes = 5_000_000;

export interface ShapeField {
  readonly element: HTMLElement;
  readonly shape: () => Shape | undefined;
}

interface Options {
  readonly label: string;
  readonly use: ShapeUse;
  readonly isOptional: boolean;
  readonly shape: Shape | undefined;
  readonly map: FleetMap;
  /** It makes room while the user draws. */
  readonly sheet: Sheet;
}

export function shapeField({ label, use, isOptional, shape: initial, map, sheet }: Options): ShapeField {
  let shape = initial;
  let drawings = 0;
  const state = h('p', { class: 'hint', role: 'status', 'data-testid': 'shape' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const text = h('textarea', {
    rows: 4,
    spellcheck: 'false',
    'aria-label': 'Coordinates: latitude, longitude; or GeoJSON',
  });
  const file = h('input', {
    type: 'file',
    accept: '.json,.geojson,application/geo+json',
    hidden: true,
    'aria-hidden': 'true',
    tabindex: -1,
  });

  const change = (changed: Shape | undefined): void => {
    shape = changed;
    problem.hidden = true;
    text.value = textOf(shape);
    state.textContent = shape ? describeShape(shape) : isOptional ? 'Everywhere.' : describeShape(undefined);
    clear.hidden = !shape;
    map.showShape(shape);
  };
  const attempt = (work: () => Shape): void => {
    map.endDrawing();
    try {
      change(work());
      map.frameRule();
    } catch (error) {
      problem.textContent = (error as Error).message;
      problem.hidden = false;
    }
  };
  const draw = async (kind: DrawnKind, button: HTMLElement): Promise<void> => {
    sheet.shrink();
    map.showShape(undefined);
    const own = ++drawings;
    const drawn = await map.draw(kind);
    // The form was closed, or the user has begun another drawing.
    if (!element.isConnected || own !== drawings) return;
    change(drawn ?? shape);
    sheet.halve();
    button.focus({ preventScroll: true });
  };
  const drawButton = (kind: DrawnKind, name: string): HTMLElement => {
    const button = h('button', { type: 'button', onclick: () => void draw(kind, button) }, name);
    return button;
  };
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    file.value = '';
    if (!chosen) return;
    void chosen
      .slice(0, fileLimitBytes)
      .text()
      .then((content) => attempt(() => shapeIn(content, use)));
  });
  const clear = h('button', { type: 'button', onclick: () => (map.endDrawing(), change(undefined)) }, 'Clear');
  const element = h(
    'fieldset',
    { class: 'shape-field' },
    h('legend', {}, label),
    state,
    h(
      'div',
      { class: 'buttons' },
      ...(use === 'line'
        ? [drawButton('Line', 'Draw a line')]
        : [drawButton('Polygon', 'Draw a polygon'), drawButton('Circle', 'Draw a circle')]),
      h('button', { type: 'button', onclick: () => file.click() }, 'GeoJSON…'),
      clear,
    ),
    file,
    h(
      'details',
      {},
      h('summary', {}, 'Coordinates'),
      text,
      h('button', { type: 'button', onclick: () => attempt(() => shapeIn(text.value, use)) }, 'Apply'),
    ),
    problem,
  );
  change(initial);
  return { element, shape: () => shape };
}
