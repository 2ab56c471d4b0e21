// Light and dark: the system's setting, until the user presses the button.
import { byId } from './dom.js';

const key = 'milepost.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** `onChange` is called after every change of colors. */
export function setUpTheme(onChange) {
  const button = byId('theme');
  const apply = () => {
    const theme = stored() ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    button.setAttribute('aria-label', `Switch to ${theme === 'dark' ? 'light' : 'dark'} colours`);
    onChange();
  };
  button.addEventListener('click', () => {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem(key, next);
    } catch {
      document.documentElement.dataset.theme = next; // storage is disabled: for this page only
      return onChange();
    }
    apply();
  });
  system.addEventListener('change', apply);
  apply();
}

function stored() {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A color of the style sheet, for canvases. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
