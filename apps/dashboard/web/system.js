// The system behind the map: topics and consumer groups, requested while the tab is open.
import { byId, h } from './dom.js';
import { count } from './format.js';

const everyMs = 3_000;
const states = { PreparingRebalance: 'Rebalancing', CompletingRebalance: 'Rebalancing' };

export function setUpSystem() {
  const view = byId('view-system');
  const refresh = async () => {
    if (view.hidden || document.hidden) return;
    const requests = [read('api/topics'), read('api/groups'), user()];
    const [topics, groups, name] = await Promise.allSettled(requests);
    view.replaceChildren(
      h('h2', {}, 'Consumer groups'),
      table(groups, ['Group', 'State', 'Members', 'Lag'], ({ id, state, members, lag, failed }) => [
        id,
        states[state] ?? state,
        count(members),
        counted(lag, failed),
      ]),
      h('h2', {}, 'Topics'),
      table(topics, ['Topic', 'Partitions', 'Records'], ({ name, partitions, records, failed }) => [
        name,
        count(partitions),
        counted(records, failed),
      ]),
      h(
        'p',
        { class: 'note' },
        'Also here: ',
        h('a', { href: 'docs' }, 'API'),
        ' · ',
        h('a', { href: 'metrics' }, 'Metrics'),
        ' · ',
        h('a', { href: 'health/ready' }, 'Health'),
      ),
      ...signedIn(name.value),
    );
  };
  setInterval(() => void refresh(), everyMs);
  return () => void refresh();
}

/** The signed-in user, who does not change while the page is open; undefined where nobody signs in. */
let known;
const user = async () => (known ??= (await read('api/session')).user ?? {});

function signedIn(who) {
  if (!who?.name) return [];
  const signOut = async () => {
    await fetch('api/session', { method: 'DELETE' });
    location.reload();
  };
  return [
    h(
      'p',
      { class: 'note', 'data-testid': 'user' },
      `Signed in as ${who.name} (${who.role}) · `,
      h('button', { class: 'link', type: 'button', onclick: () => void signOut() }, 'Sign out'),
    ),
  ];
}

async function read(url) {
  const response = await fetch(url);
  const body = await response.json();
  if (!response.ok) throw new Error(body.message ?? `${url}: ${response.status}`);
  return body;
}

/** A number that is without the records of partitions that fail. */
function counted(number, failed) {
  if (failed.length === 0) return count(number);
  return `${count(number)} without ${failed.map(({ topic, partition, error }) => `${topic}-${partition} (${error})`).join(', ')}`;
}

function table(answer, headings, cellsOf) {
  if (answer.status === 'rejected') return h('p', { class: 'note' }, answer.reason.message);
  if (answer.value.length === 0) return h('p', { class: 'note' }, 'None yet.');
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...headings.map((heading) => h('th', { scope: 'col' }, heading)))),
    h('tbody', {}, ...answer.value.map((row) => h('tr', {}, ...cellsOf(row).map((cell) => h('td', {}, cell))))),
  );
}
