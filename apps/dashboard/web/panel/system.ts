// The system behind the map: brokers, consumer groups, topics and, where there are several brokers, who has which replica.
// Requested while the tab is open.
import type {
  BrokerView,
  ClusterView,
  FailedPartition,
  GroupView,
  PartitionView,
  SessionUser,
  TopicView,
} from '../../src/views.ts';
import { read } from '../api.ts';
import { byId, type Child, h } from '../dom.ts';
import { count } from '../format.ts';
import { isSignedOut, signedInUser, signOut } from '../session.ts';

const everyMs = 3_000;
const states: Readonly<Record<string, string>> = {
  PreparingRebalance: 'Rebalancing',
  CompletingRebalance: 'Rebalancing',
};
/** The topics whose partitions are listed; they stay open when the view is refreshed. */
const opened = new Set<string>();

type Outcome<T> = PromiseSettledResult<T>;

/** Returns what is to be called when the tab comes to the front. */
export function setUpSystem(): () => void {
  const view = byId('view-system');
  const refresh = async (): Promise<void> => {
    if (view.hidden || document.hidden || isSignedOut()) return;
    const [cluster, topics, groups, user] = await Promise.allSettled([
      read<ClusterView>('api/cluster'),
      read<readonly TopicView[]>('api/topics'),
      read<readonly GroupView[]>('api/groups'),
      signedInUser(),
    ]);
    const { activeElement } = document;
    const focused =
      activeElement instanceof HTMLElement && view.contains(activeElement) ? activeElement.dataset['focus'] : undefined;
    view.replaceChildren(
      h('h2', {}, 'Brokers'),
      table(brokersOf(cluster), ['Broker', 'Address', 'Rack', 'Leads'], (broker) => [
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
      ...(user.status === 'fulfilled' && user.value ? [signedIn(user.value)] : []),
    );
    if (focused !== undefined) view.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  };
  setInterval(() => void refresh(), everyMs);
  return () => void refresh();
}

function signedIn({ name, role }: SessionUser): HTMLElement {
  return h(
    'p',
    { class: 'note', 'data-testid': 'user' },
    `Signed in as ${name} (${role}) · `,
    h('button', { class: 'link', type: 'button', onclick: () => void signOut() }, 'Sign out'),
  );
}

function marksOf({ isController, isAway }: BrokerView): HTMLElement[] {
  return [...(isController ? [mark('controller')] : []), ...(isAway ? [mark('away', true)] : [])];
}

const mark = (text: string, isBad = false): HTMLElement =>
  h('span', { class: isBad ? 'mark-bad' : 'mark-plain' }, text);

/** Only where there is a second broker. */
function replicasOf(cluster: Outcome<ClusterView>): HTMLElement[] {
  if (cluster.status === 'rejected' || cluster.value.brokers.length < 2) return [];
  return [h('h2', {}, 'Replicas'), ...cluster.value.topics.map(replicasOfTopic)];
}

function replicasOfTopic({ name, partitions }: ClusterView['topics'][number]): HTMLElement {
  const offline = partitions.filter(({ leader }) => leader === null).length;
  const behind = partitions.filter(({ isUnderReplicated }) => isUnderReplicated).length;
  const state =
    offline > 0 ? mark(`${offline} offline`, true) : behind > 0 ? mark(`${behind} under-replicated`, true) : 'in sync';
  const details = h(
    'details',
    { class: 'replicas', 'data-testid': `replicas-${name}`, open: opened.has(name) },
    h('summary', { 'data-focus': name }, h('span', {}, name), h('span', {}, state)),
    table({ status: 'fulfilled', value: partitions }, ['Partition', 'Leader', 'In sync', 'Behind'], replicaCells),
  );
  details.addEventListener('toggle', () => (details.open ? opened.add(name) : opened.delete(name)));
  return details;
}

function replicaCells({ partition, leader, replicas, isr }: PartitionView): Child[] {
  const absent = replicas.filter((id) => !isr.includes(id));
  return [
    String(partition),
    leader === null ? mark('none', true) : String(leader),
    isr.join(', '),
    absent.length === 0 ? '' : mark(absent.join(', '), true),
  ];
}

const brokersOf = (cluster: Outcome<ClusterView>): Outcome<readonly BrokerView[]> =>
  cluster.status === 'rejected' ? cluster : { status: 'fulfilled', value: cluster.value.brokers };

/** A number that is without the records of partitions that fail. */
function counted(number: number, failed: readonly FailedPartition[]): string {
  if (failed.length === 0) return count(number);
  return `${count(number)} without ${failed.map(({ topic, partition, error }) => `${topic}-${partition} (${error})`).join(', ')}`;
}

function table<Row>(
  outcome: Outcome<readonly Row[]>,
  headings: readonly string[],
  cellsOf: (row: Row) => readonly Child[],
): HTMLElement {
  if (outcome.status === 'rejected') return h('p', { class: 'note' }, (outcome.reason as Error).message);
  if (outcome.value.length === 0) return h('p', { class: 'note' }, 'None yet.');
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...headings.map((heading) => h('th', { scope: 'col' }, heading)))),
    h('tbody', {}, ...outcome.value.map((row) => h('tr', {}, ...cellsOf(row).map((cell) => h('td', {}, cell))))),
  );
}
