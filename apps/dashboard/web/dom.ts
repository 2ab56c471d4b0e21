// Small helpers that create and find elements. Text is always text: no data of a device becomes markup.
import type { FleetState } from './fleet.ts';

/** An element of our own HTML. */
export function byId<T extends HTMLElement = HTMLElement>(id: string, type?: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof (type ?? HTMLElement))) throw new Error(`#${id}: expected ${type?.name ?? 'an element'}`);
  return element as T;
}

/** Undefined and false: not set. A function listens to the event of its name (`onclick`). */
export type Attribute = string | number | boolean | undefined | ((event: never) => void);
export type Child = Node | string | undefined;

/** h('button', { class: 'x', onclick }, 'text', child) */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice('on'.length), value as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** For our own markup, never a device's. */
export function svg(viewBox: string, markup: string, attributes: Readonly<Record<string, string>> = {}): SVGSVGElement {
  const element = document.createElementNS(svgNamespace, 'svg');
  element.setAttribute('viewBox', viewBox);
  element.setAttribute('aria-hidden', 'true');
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.innerHTML = markup;
  return element;
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function penOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('this browser draws on no canvas');
  return pen;
}

const glyphs: Readonly<Record<FleetState, string>> = {
  moving: '<path d="M8 1.2 13.6 14 8 11.2 2.4 14z" fill="currentColor"/>',
  stopped: '<rect x="3" y="3" width="10" height="10" rx="2.5" fill="currentColor"/>',
  silent: '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2.2" stroke-dasharray="3 2.2"/>',
  alert:
    '<path d="M8 1.5 15 14H1z" fill="currentColor"/><path d="M8 6v4M8 12v.1" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round"/>',
};
export const stateNames: Readonly<Record<FleetState, string>> = {
  moving: 'Moving',
  stopped: 'Stopped',
  silent: 'Silent',
  alert: 'Alert',
};

/** The symbol of a state: each has its own shape, so that no state depends on color alone. */
export function glyph(state: FleetState): SVGSVGElement {
  const element = svg('0 0 16 16', glyphs[state], { class: 'glyph' });
  element.dataset['state'] = state;
  return element;
}

export function setGlyph(element: SVGSVGElement, state: FleetState): void {
  if (element.dataset['state'] === state) return;
  element.dataset['state'] = state;
  element.innerHTML = glyphs[state];
}
