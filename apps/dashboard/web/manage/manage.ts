// The pages of administration beside the map, one at a time: the address names it, `#devices`.
import { byId, h } from '../dom.ts';
import { signedInUser } from '../session.ts';
import { setUpTheme } from '../theme.ts';
import { DeadLettersPage } from './dead-letters.ts';
import { DevicesPage } from './devices.ts';
import type { ManagePage } from './page.ts';
import { RoutesPage } from './routes.ts';
import { UsersPage } from './users.ts';

interface Entry {
  readonly title: string;
  readonly make: () => ManagePage;
}

const entries: Readonly<Record<string, Entry>> = {
  devices: { title: 'Devices', make: () => new DevicesPage() },
  'dead-letters': { title: 'Dead letters', make: () => new DeadLettersPage() },
  routes: { title: 'Routes', make: () => new RoutesPage() },
  users: { title: 'Users', make: () => new UsersPage() },
};

const content = byId('content');
const nav = byId('nav');
/** Those that were opened: what a user has typed remains. */
const made = new Map<string, ManagePage>();

setUpTheme(byId('theme'), () => {});
byId('skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address names a page
  content.focus();
});
addEventListener('hashchange', () => void show());
void signedInUser()
  .catch(() => undefined)
  .then(() => {
    nav.append(...Object.entries(entries).map(([name, { title }]) => h('a', { href: `#${name}` }, title)));
    return show();
  });

async function show(): Promise<void> {
  const wanted = location.hash.slice(1);
  const name = Object.hasOwn(entries, wanted) ? wanted : 'devices';
  const entry = entries[name];
  if (!entry) return;
  const page = made.get(name) ?? entry.make();
  made.set(name, page);
  document.title = `${entry.title} · Milepost`;
  for (const link of nav.querySelectorAll('a'))
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  content.replaceChildren(h('h1', {}, entry.title), page.element);
  await page.show();
}
