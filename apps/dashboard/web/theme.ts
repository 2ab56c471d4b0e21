// Light and dark: the system's setting, until the user presses the button. The colors are in styles/colors.css.

const key = 'milepost.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

type Theme = 'light' | 'dark';

/** The user's choice, if there is one. */
export function applyStoredTheme(): void {
  const theme = stored();
  if (theme) document.documentElement.dataset['theme'] = theme;
}

/** `onChange` is called after every change of colors. */
export function setUpTheme(button: HTMLElement, onChange: () => void): void {
  let chosen = stored();
  const apply = (): void => {
    const theme = chosen ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset['theme'] = theme;
    button.setAttribute('aria-label', `Switch to ${opposite(theme)} colors`);
    known.clear();
    onChange();
  };
  button.addEventListener('click', () => {
    chosen = opposite(document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light');
    try {
      localStorage.setItem(key, chosen);
    } catch {
      // Storage is disabled: the choice is for this page only.
    }
    apply();
  });
  system.addEventListener('change', apply);
  apply();
}

const opposite = (theme: Theme): Theme => (theme === 'dark' ? 'light' : 'dark');

function stored(): Theme | undefined {
  try {
    const theme = localStorage.getItem(key);
    return theme === 'dark' || theme === 'light' ? theme : undefined;
  } catch {
    return undefined;
  }
}

/** Of the current theme, by name. */
const known = new Map<string, string>();

/** A color of the style sheet, for canvases: they do not understand light-dark(), so an element computes it. */
export function color(name: string): string {
  const found = known.get(name) ?? computed(name);
  known.set(name, found);
  return found;
}

function computed(name: string): string {
  const probe = document.createElement('span');
  probe.hidden = true;
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
