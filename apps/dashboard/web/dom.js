// Small helpers that create and find elements. Text is always text: no data of a device becomes markup.

export const byId = (id) => document.getElementById(id);

/** h('button', { class: 'x', onclick }, 'text', child) */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** For our own markup, never a device's. */
export function svg(viewBox, markup, attributes = {}) {
  const element = document.createElementNS(svgNamespace, 'svg');
  element.setAttribute('viewBox', viewBox);
  element.setAttribute('aria-hidden', 'true');
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.innerHTML = markup;
  return element;
}

const glyphs = {
  moving: '<path d="M8 1.2 13.6 14 8 11.2 2.4 14z" fill="currentColor"/>',
  stopped: '<rect x="3" y="3" width="10" height="10" rx="2.5" fill="currentColor"/>',
  silent: '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2.2" stroke-dasharray="3 2.2"/>',
  alert:
    '<path d="M8 1.5 15 14H1z" fill="currentColor"/><path d="M8 6v4M8 12v.1" stroke="var(--surface)" stroke-width="1.6" stroke-linecap="round"/>',
};
export const stateNames = { moving: 'Moving', stopped: 'Stopped', silent: 'Silent', alert: 'Alert' };

/** The symbol of a state: each has its own shape, so that no state depends on color alone. */
export function glyph(state) {
  const element = svg('0 0 16 16', glyphs[state], { class: 'glyph' });
  element.dataset.state = state;
  return element;
}

export function setGlyph(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.innerHTML = glyphs[state];
}
