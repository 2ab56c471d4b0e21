// The system behind the map: brokers, consumer groups, topics and, where there are several brokers, who has which replica.
// Requested while the tab is open.
import { byId, h } from './dom.js';
import { count } from './format.js';

const everyMs = 3_000;
const states = { PreparingRebalance: 'Rebalancing', CompletingRebalance: 'Rebalancing' };
/** The topics whose partitions are listed; they stay open when the view is refreshed. */
const opened = new Set();

export function setUpSystem() {
  const view = byId('view-system');
  const refresh = async () => {
    if (view.hidden || document.hidden) return;
    const requests = [read('api/cluster'), read('api/topics'), read('api/groups'), user()];
    const [cluster, topics, groups, name] = await Promise.allSettled(requests);
    const focused = view.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    view.replaceChildren(
      h('h2', {}, 'Brokers'),
      table(listed(cluster, 'brokers'), ['Broker', 'Address', 'Rack', 'Leads'], (broker) => [
        h('span', { 'data-testid': `broker-${broker.id}` }, String(broker.id), ...marksOf(broker)),
        broker.address ?? '–',
        broker.rack ?? '–',
        count(broker.leads),
      ]),
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
      ...replicasOf(cluster),
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
    if (focused !== undefined) view.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
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

function marksOf({ isController, isAway }) {
  return [isController && mark('controller'), isAway && mark('away', true)].filter(Boolean);
}

const mark = (text, isBad = false) => h('span', { class: isBad ? 'mark-bad' : 'mark-plain' }, text);

/** Only where there is a second broker. */
function replicasOf(cluster) {
  if (cluster.status === 'rejected' || cluster.value.brokers.length < 2) return [];
  return [h('h2', {}, 'Replicas'), ...cluster.value.topics.map(replicasOfTopic)];
}

function replicasOfTopic({ name, partitions }) {
  const [offline, behind] = [
    partitions.filter(({ leader }) => leader === null).length,
    partitions.filter(({ isUnderReplicated }) => isUnderReplicated).length,
  ];
  const state =
    offline > 0 ? mark(`${offline} offline`, true) : behind > 0 ? mark(`${behind} under-replicated`, true) : 'in sync';
  const ontoggle = ({ target }) => (target.open ? opened.add(name) : opened.delete(name));
  return h(
    'details',
    { class: 'replicas', 'data-testid': `replicas-${name}`, open: opened.has(name), ontoggle },
    h('summary', { 'data-focus': name }, h('span', {}, name), h('span', {}, state)),
    table(
      { status: 'fulfilled', value: partitions },
      ['Partition', 'Leader', 'In sync', 'Behind'],
      ({ partition, leader, replicas, isr }) => {
        const absent = replicas.filter((id) => !isr.includes(id));
        return [
          String(partition),
          leader === null ? mark('none', true) : String(leader),
          isr.join(', '),
          absent.length === 0 ? '' : mark(absent.join(', '), true),
        ];
      },
    ),
  );
}

/** A list of a response, as a response. */
const listed = (answer, key) => (answer.status === 'rejected' ? answer : { ...answer, value: answer.value[key] });

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
