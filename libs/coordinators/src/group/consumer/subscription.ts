// The topics that a consumer group reads: resolves names and regular expressions, and finds whether the topics have changed
// since the last epoch. Topics may be created, deleted, grown, or replaced by others of the same name.
import { createHash } from 'node:crypto';
import type { Uuid } from '@milepost/core';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import { hasElapsed } from './elapsed.ts';
import { compileRegex } from '../../regex.ts';
import type { ConsumerGroup, ConsumerMember, ResolvedRegex } from './state.ts';
import type { ConsumerTurn } from './turn.ts';

/** A known expression is matched with all topics at most this often, as in Kafka. */
const REGEX_REFRESH_MS = 10_000;

/** Resolves the group's topics again. A change, of the topics or the caller's (`reason`), makes a new group epoch. */
export function refreshTopics(turn: ConsumerTurn, reason: RebalanceReason | undefined): void {
  const { catalog } = turn.context;
  const { marks } = turn.timers;
  const isNews = marks.version !== catalog.version;
  const matchesAgain = isNews && hasElapsed(REGEX_REFRESH_MS, marks.regexesAt, turn.now);
  const { version } = catalog;
  // A version of the catalog counts as seen only when the expressions have been matched with it.
  const hasSeenAll = matchesAgain || turn.group.data.regexes.length === 0;
  if (!isNews && reason === undefined) return;

  const regexes = resolve(turn.group, catalog, matchesAgain);
  if (!sameRegexes(regexes, turn.group.data.regexes)) turn.group = turn.group.with({ regexes });
  if (hasSeenAll) turn.after(() => Object.assign(marks, { version, regexesAt: turn.now }));
  newEpochIfChanged(turn, reason);
}

/** With a reason, always. */
export function newEpochIfChanged(turn: ConsumerTurn, reason: RebalanceReason | undefined): void {
  const { data } = turn.group;
  const topicsHash = hashOfTopics(turn.group, turn.context.catalog);
  if (reason === undefined && topicsHash === data.topicsHash) return;
  turn.group = turn.group.with({ groupEpoch: data.groupEpoch + 1, topicsHash });
  turn.reportRebalance(reason ?? 'topics_changed');
}

/** The ids of those of its topics that exist. */
export const topicIdsOf = (group: ConsumerGroup, member: ConsumerMember, catalog: TopicCatalog): Uuid[] =>
  group.topicsOf(member).flatMap((name) => catalog.named(name)?.id ?? []);

/** Only expressions of current members. */
function resolve(group: ConsumerGroup, catalog: TopicCatalog, again: boolean): readonly ResolvedRegex[] {
  const wanted = new Set(group.data.members.flatMap(({ topicRegex }) => topicRegex || []));
  return [...wanted].toSorted().map((regex) => {
    const known = group.data.regexes.find((each) => each.regex === regex);
    return known && !again ? known : { regex, topics: topicsMatching(regex, catalog) };
  });
}

function topicsMatching(regex: string, catalog: TopicCatalog): readonly string[] {
  const matches = compileRegex(regex);
  return typeof matches === 'string' ? [] : [...catalog.names()].filter(matches).toSorted();
}

const sameRegexes = (a: readonly ResolvedRegex[], b: readonly ResolvedRegex[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** Covers all that an assignment depends on: topics, numbers of partitions, racks (KIP-1101). */
export function hashOfTopics(group: ConsumerGroup, catalog: TopicCatalog): string {
  const names = new Set(group.data.members.flatMap((member) => group.topicsOf(member)));
  const topics = [...names].toSorted().flatMap((name) => catalog.named(name) ?? []);
  const hash = createHash('sha256');
  for (const topic of topics) hash.update(`${topic.id} ${topic.partitions} ${topic.racks()} `);
  return topics.length === 0 ? '' : hash.digest('base64');
}
