// Groups of the consumer protocol (KIP-848): one heartbeat API for everything.
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
} from '@milepost/wire';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic } from '../topics.ts';
import { settled } from './groups.ts';

interface Beat {
  readonly groupId?: string;
  readonly memberId?: string;
  readonly memberEpoch?: number;
  readonly instanceId?: string | null;
  readonly rackId?: string | null;
  readonly rebalanceTimeoutMs?: number;
  readonly subscribedTopicNames?: readonly string[] | null;
  readonly subscribedTopicRegex?: string | null;
  readonly serverAssignor?: string | null;
  readonly topicPartitions?: readonly { topicId: string; partitions: number[] }[] | null;
}

const beating = (on: Stage, more: Beat = {}) => ({
  groupId: on.own('g'),
  memberId: on.own('m'),
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  serverAssignor: null,
  ...more,
});

/** The heartbeat of a joining member. */
const joining = (names: readonly string[]): Beat => ({
  rebalanceTimeoutMs: 60_000,
  subscribedTopicNames: names,
  topicPartitions: [],
});

export const consumerGroups: readonly Scenario[] = [
  {
    name: 'consumer-groups/one member',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const topicId = (await on.topicIds()).get(name) ?? '';
      const beat = (label: string, more: Beat, version = 1) =>
        on.ask(label, ConsumerGroupHeartbeat, version, beating(on, more));
      const { memberEpoch } = await beat('joins', joining([name]));
      await beat('says nothing new', { memberEpoch });
      const topicPartitions = [{ topicId, partitions: [0, 1] }];
      await beat('owns what it was given', { memberEpoch, topicPartitions });
      for (const version of on.versions(ConsumerGroupDescribe))
        await on.see(`described v${version}`, ConsumerGroupDescribe, version, {
          groupIds: [on.own('g'), on.own('none'), ''],
          includeAuthorizedOperations: true,
        });
      await on.see('described as a classic group', DescribeGroups, 6, { groups: [on.own('g')] });
      await on.see(
        'listed',
        ListGroups,
        5,
        {},
        { keep: (answer) => ({ ...answer, groups: answer.groups.filter((one) => on.isOwn(one.groupId)) }) },
      );
      await beat('an epoch to come', { memberEpoch: memberEpoch + 1 });
      await beat('an old epoch', { memberEpoch: memberEpoch - 1 }).catch(() => {});
      await beat('nobody', { memberId: on.own('n'), memberEpoch });
      await beat('no such group', { groupId: on.own('none'), memberEpoch });
      await beat('full, again', { memberEpoch, ...joining([name]), topicPartitions });
      await beat('leaves', { memberEpoch: -1 });
      await beat('leaves again', { memberEpoch: -1 });
      await beat('comes back', { ...joining([name]) });
      await beat('leaves for a while, and is not static', { memberEpoch: -2 });
    },
  },
  {
    name: 'consumer-groups/heartbeats that are refused',
    async play(on) {
      const name = await createTopic(on, 'a');
      for (const version of on.versions(ConsumerGroupHeartbeat)) {
        const beat = (label: string, more: Beat): Promise<void> =>
          on.see(`v${version}, ${label}`, ConsumerGroupHeartbeat, version, beating(on, more));
        await beat('no group', { ...joining([name]), groupId: '' });
        await beat('a group of spaces', { ...joining([name]), groupId: '  ' });
        await beat('no member', { ...joining([name]), memberId: '', memberEpoch: 5 });
        await beat('no member, joins', { ...joining([name]), memberId: '' });
        await beat('an epoch below -2', { memberEpoch: -3 });
        await beat('no time for a rebalance', { ...joining([name]), rebalanceTimeoutMs: -1 });
        await beat('0 ms for a rebalance', { ...joining([name]), rebalanceTimeoutMs: 0 });
        await beat('owns something', {
          ...joining([name]),
          topicPartitions: [{ topicId: '11111111-2222-3333-4444-555555555555', partitions: [0] }],
        });
        await beat('says not what it owns', { ...joining([name]), topicPartitions: null });
        await beat('no subscription', { ...joining([name]), subscribedTopicNames: null });
        await beat('an unknown assignor', { ...joining([name]), serverAssignor: 'best' });
        await beat('an empty assignor', { ...joining([name]), serverAssignor: '' });
        await beat('an empty instance', { ...joining([name]), instanceId: '' });
        await beat('an empty rack', { ...joining([name]), rackId: '' });
        await beat('leaves without a member', { memberId: '', memberEpoch: -1 });
        await beat('leaves for a while without an instance', { memberEpoch: -2 });
        if (version < 1) continue;
        await beat('a bad expression', { ...joining([]), subscribedTopicNames: null, subscribedTopicRegex: '[' });
        await beat('an empty expression', { ...joining([]), subscribedTopicNames: null, subscribedTopicRegex: '' });
        await beat('a look-ahead, which RE2 has not', {
          ...joining([]),
          subscribedTopicNames: null,
          subscribedTopicRegex: 'a(?=b)',
        });
      }
    },
  },
  {
    name: 'consumer-groups/subscriptions',
    async play(on) {
      const a = await createTopic(on, 'a', { partitions: 2 });
      await createTopic(on, 'b');
      for (const [label, more] of [
        ['one topic', { subscribedTopicNames: [a] }],
        ['a topic that is not there', { subscribedTopicNames: [on.own('none')] }],
        ['an impossible name', { subscribedTopicNames: ['a b'] }],
        ['a topic twice', { subscribedTopicNames: [a, a] }],
        ['nothing', { subscribedTopicNames: [] }],
        ['range', { subscribedTopicNames: [a], serverAssignor: 'range' }],
        ['uniform', { subscribedTopicNames: [a], serverAssignor: 'uniform' }],
      ] as const)
        await on.see(
          label,
          ConsumerGroupHeartbeat,
          1,
          beating(on, { ...joining([]), ...more, groupId: on.own(label) }),
        );
      const expression = beating(on, {
        ...joining([]),
        subscribedTopicNames: null,
        subscribedTopicRegex: `${on.own('')}(a|b)`,
        groupId: on.own('regex'),
      });
      await on.see('an expression joins', ConsumerGroupHeartbeat, 1, expression);
    },
  },
  {
    name: 'consumer-groups/two members',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const topicId = (await on.topicIds()).get(name) ?? '';
      const m = await on.ask('the first', ConsumerGroupHeartbeat, 1, beating(on, joining([name])));
      const own = (...partitions: number[]) => [{ topicId, partitions }];
      await on.see(
        'the first owns both',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { memberEpoch: m.memberEpoch, topicPartitions: own(0, 1) }),
      );
      const n = { memberId: on.own('n') };
      const second = await on.ask('the second', ConsumerGroupHeartbeat, 1, beating(on, { ...joining([name]), ...n }));
      await on.until(async () => {
        const beat = await on.get(
          ConsumerGroupHeartbeat,
          1,
          beating(on, { memberEpoch: m.memberEpoch, topicPartitions: own(0, 1) }),
        );
        return beat.assignment !== null && beat.assignment.topicPartitions[0]?.partitions.length === 1;
      });
      await on.see(
        'the second waits',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { ...n, memberEpoch: second.memberEpoch, topicPartitions: [] }),
      );
      const given = await on.ask(
        'the first is to give up one',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { ...joining([name]), memberEpoch: m.memberEpoch, topicPartitions: own(0, 1) }),
      );
      const kept = given.assignment?.topicPartitions[0]?.partitions ?? [];
      const freed = await on.ask(
        'the first gave it up',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { memberEpoch: m.memberEpoch, topicPartitions: own(...kept) }),
      );
      await on.see(
        'the second gets it',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { ...n, memberEpoch: second.memberEpoch, topicPartitions: [] }),
      );
      await on.see('described', ConsumerGroupDescribe, 1, {
        groupIds: [on.own('g')],
        includeAuthorizedOperations: false,
      });
      await on.see(
        'the first with the epoch before',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { memberEpoch: m.memberEpoch, topicPartitions: own(...kept) }),
      );
      await on.see('the first again', ConsumerGroupHeartbeat, 1, beating(on, { memberEpoch: freed.memberEpoch }));
    },
  },
  {
    name: 'consumer-groups/static members',
    async play(on) {
      const name = await createTopic(on, 'a');
      const beat = (label: string, more: Beat) =>
        on.ask(label, ConsumerGroupHeartbeat, 1, beating(on, { instanceId: 'i', ...more }));
      const first = await beat('joins', joining([name]));
      await beat('another id while it is there', { ...joining([name]), memberId: on.own('n') });
      await beat('goes for a while', { memberEpoch: -2 });
      await on.see('described while it is away', ConsumerGroupDescribe, 1, {
        groupIds: [on.own('g')],
        includeAuthorizedOperations: false,
      });
      await beat('comes back under another id', { ...joining([name]), memberId: on.own('n') });
      await beat('the old id', { memberEpoch: first.memberEpoch });
      await beat('another instance with that id', {
        memberId: on.own('n'),
        memberEpoch: first.memberEpoch,
        instanceId: 'j',
      });
      await beat('leaves', { memberId: on.own('n'), memberEpoch: -1 });
    },
  },
  {
    name: 'consumer-groups/offsets',
    async play(on) {
      const name = await createTopic(on, 'a');
      const { memberEpoch } = await on.get(ConsumerGroupHeartbeat, 1, beating(on, joining([name])));
      const commit = (label: string, epoch: number, memberId = on.own('m'), version = 9): Promise<void> =>
        on.see(label, OffsetCommit, version, {
          groupId: on.own('g'),
          memberId,
          generationIdOrMemberEpoch: epoch,
          topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }],
        });
      await commit('its member', memberEpoch);
      await commit('its member, an old version', memberEpoch, undefined, 8);
      await commit('an old epoch', memberEpoch - 1);
      await commit('an epoch to come', memberEpoch + 1);
      await commit('an epoch to come, an old version', memberEpoch + 1, undefined, 8);
      await commit('nobody', memberEpoch, on.own('n'));
      await commit('no one at all', -1, '');
      const fetching = (label: string, memberId: string | null, epoch: number): Promise<void> =>
        on.see(label, OffsetFetch, 9, {
          groups: [{ groupId: on.own('g'), memberId, memberEpoch: epoch, topics: [{ name, partitionIndexes: [0] }] }],
        });
      await fetching('fetched by its member', on.own('m'), memberEpoch);
      await fetching('fetched in an epoch to come', on.own('m'), memberEpoch + 1);
      await fetching('fetched by nobody', on.own('n'), memberEpoch);
      await fetching('fetched by no one', null, -1);
    },
  },
  {
    name: 'consumer-groups/the other protocol',
    async play(on) {
      const name = await createTopic(on, 'a');
      await on.get(ConsumerGroupHeartbeat, 1, beating(on, joining([name])));
      await on.see('a classic member joins, whose protocol is none', JoinGroup, 7, {
        groupId: on.own('g'),
        sessionTimeoutMs: 60_000,
        rebalanceTimeoutMs: 60_000,
        memberId: '',
        protocolType: 'connect',
        protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      });
      await on.see('a classic heartbeat', Heartbeat, 4, {
        groupId: on.own('g'),
        memberId: on.own('m'),
        generationId: 1,
      });
      const classic = on.own('classic');
      await settled(on, classic, { protocolType: 'connect' });
      await on.see(
        'a new member joins a classic group of another type',
        ConsumerGroupHeartbeat,
        1,
        beating(on, { ...joining([name]), groupId: classic }),
      );
      await on.see('described as one of the new', ConsumerGroupDescribe, 1, {
        groupIds: [classic],
        includeAuthorizedOperations: false,
      });
    },
  },
];
