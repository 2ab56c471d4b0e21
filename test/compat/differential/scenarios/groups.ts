// Classic groups: members that join, stay, leave, and make mistakes.
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from '@milepost/wire';
import { ErrorCode } from '@milepost/core';
import type { Scenario, Stage } from '../stage.ts';

const NOBODY = 'nobody-11111111-2222-3333-4444-555555555555';
const MINUTE_MS = 60_000;
/** ConsumerProtocol v0: no topics, no user data. */
const SUBSCRIPTION = Buffer.from('000000000000ffffffff', 'hex');

interface Joining {
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly memberId?: string;
  readonly groupInstanceId?: string | null;
  readonly protocolType?: string;
  readonly protocols?: readonly { name: string; metadata: Buffer }[];
}

const joining = (groupId: string, how: Joining = {}) => ({
  groupId,
  sessionTimeoutMs: MINUTE_MS,
  rebalanceTimeoutMs: MINUTE_MS,
  memberId: '',
  groupInstanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
  ...how,
});

/** A member of a group that it leads alone, in its first generation, and that is stable. */
export async function settled(
  on: Stage,
  groupId: string,
  { via = 'main', ...how }: Joining & { via?: string } = {},
): Promise<{ memberId: string; generationId: number }> {
  let joined = await on.get(JoinGroup, 7, joining(groupId, how), { via });
  if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED)
    joined = await on.get(JoinGroup, 7, joining(groupId, { ...how, memberId: joined.memberId }), { via });
  const { memberId, generationId, errorCode } = joined;
  if (errorCode !== ErrorCode.NONE) throw new Error(`not joined: error ${errorCode}`);
  const assignments = [{ memberId, assignment: Buffer.from('all') }];
  // A coordinator that waits for its store may return a retriable error.
  await on.until(async () => {
    const synced = await on.get(
      SyncGroup,
      4,
      { groupId, generationId, memberId, groupInstanceId: how.groupInstanceId ?? null, assignments },
      { via },
    );
    if (synced.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) return false;
    if (synced.errorCode !== ErrorCode.NONE) throw new Error(`not synced: error ${synced.errorCode}`);
    return true;
  });
  return { memberId, generationId };
}

const described = (on: Stage, label: string, groupId: string): Promise<void> =>
  on.see(label, DescribeGroups, 6, { groups: [groupId] });

export const groups: readonly Scenario[] = [
  {
    name: 'groups/coordinators',
    async play(on) {
      for (const version of on.versions(FindCoordinator)) {
        const ask = (label: string, key: string, keyType = 0): Promise<void> =>
          on.see(
            `v${version}, ${label}`,
            FindCoordinator,
            version,
            version < 4 ? { key, keyType } : { keyType, coordinatorKeys: [key] },
          );
        await ask('a group', on.own('g'));
        await ask('an empty name', '');
        if (version >= 1) await ask('an unknown type', on.own('g'), 9);
        if (version >= 4)
          await on.see(`v${version}, two and one twice`, FindCoordinator, version, {
            coordinatorKeys: [on.own('a'), on.own('b'), on.own('a')],
          });
        if (version >= 4) await on.see(`v${version}, none`, FindCoordinator, version, { coordinatorKeys: [] });
      }
    },
  },
  {
    name: 'groups/the first member, each version',
    async play(on) {
      for (const version of on.versions(JoinGroup)) {
        const groupId = on.own(`g${version}`);
        const answer = await on.ask(`v${version}`, JoinGroup, version, joining(groupId));
        if (answer.errorCode === ErrorCode.NONE) continue;
        await on.see(`v${version}, with its id`, JoinGroup, version, joining(groupId, { memberId: answer.memberId }));
      }
    },
  },
  {
    name: 'groups/joins that are refused',
    async play(on) {
      const join = (label: string, how: Joining, groupId = on.own('g')): Promise<void> =>
        on.see(label, JoinGroup, 7, joining(groupId, how));
      await join('no group', {}, '');
      for (const sessionTimeoutMs of [0, -1, 5_999, 1_800_001, 0x7fffffff])
        await join(`session time-out ${sessionTimeoutMs}`, { sessionTimeoutMs });
      await join('a member that no one knows', { memberId: NOBODY });
      await join('no protocol', { protocols: [] });
      await join('no type of protocol', { protocolType: '' });
      await join('neither', { protocols: [], protocolType: '' });
      const { memberId } = await settled(on, on.own('g'));
      await join('another type of protocol', { protocolType: 'connect' });
      await join('no protocol in common', { protocols: [{ name: 'other', metadata: SUBSCRIPTION }] });
      await join('no protocol in common, its member', {
        memberId,
        protocols: [{ name: 'other', metadata: SUBSCRIPTION }],
      });
      await join('a member that no one knows, of a group that is', { memberId: NOBODY });
      await join('an instance with the id of a dynamic member', { memberId, groupInstanceId: 'i' });
      for (const rebalanceTimeoutMs of [-1, 0])
        await join(
          `rebalance time-out ${rebalanceTimeoutMs}`,
          { rebalanceTimeoutMs },
          on.own(`r${rebalanceTimeoutMs}`),
        );
      for (const groupInstanceId of ['', '.', 'a b', 'x'.repeat(250)])
        await join(
          `instance id ${groupInstanceId.slice(0, 5)}`,
          { groupInstanceId },
          on.own(`i${groupInstanceId.length}`),
        );
    },
  },
  {
    name: 'groups/syncs and heartbeats',
    async play(on) {
      const groupId = on.own('g');
      const { memberId, generationId } = await settled(on, groupId);
      for (const version of on.versions(Heartbeat)) {
        const beat = (label: string, more: object): Promise<void> =>
          on.see(`beat v${version}, ${label}`, Heartbeat, version, { groupId, generationId, memberId, ...more });
        await beat('right', {});
        await beat('an old generation', { generationId: generationId - 1 });
        await beat('a generation to come', { generationId: generationId + 1 });
        await beat('no generation', { generationId: -1 });
        await beat('nobody', { memberId: NOBODY });
        await beat('no member', { memberId: '' });
        await beat('no such group', { groupId: on.own('none') });
        await beat('no group', { groupId: '' });
        if (version >= 3) await beat('an instance that no one knows', { groupInstanceId: on.own('i') });
      }
      for (const version of on.versions(SyncGroup)) {
        const sync = (label: string, more: object): Promise<void> =>
          on.see(`sync v${version}, ${label}`, SyncGroup, version, {
            groupId,
            generationId,
            memberId,
            assignments: [],
            ...more,
          } as never);
        await sync('again', {});
        await sync('an old generation', { generationId: generationId - 1 });
        await sync('nobody', { memberId: NOBODY });
        await sync('no such group', { groupId: on.own('none') });
        await sync('no group', { groupId: '' });
        if (version >= 3) await sync('an instance that no one knows', { groupInstanceId: on.own('i') });
        if (version < 5) continue;
        await sync('its protocol', { protocolType: 'consumer', protocolName: 'range' });
        await sync('another protocol', { protocolType: 'consumer', protocolName: 'other' });
        await sync('another type', { protocolType: 'connect', protocolName: 'range' });
      }
    },
  },
  {
    name: 'groups/a second member',
    async play(on) {
      const groupId = on.own('g');
      const first = await settled(on, groupId);
      const { memberId } = await on.ask('the second is given an id', JoinGroup, 7, joining(groupId), { via: 'b' });
      const second = on.ask('the second joins', JoinGroup, 7, joining(groupId, { memberId }), { via: 'b' });
      await on.until(async () => {
        const { groups: found } = await on.get(DescribeGroups, 5, { groups: [groupId] });
        return found[0]?.groupState === 'PreparingRebalance';
      });
      await described(on, 'described while it rebalances', groupId);
      await on.see('the first beats', Heartbeat, 4, { groupId, ...first });
      await on.see('a sync now', SyncGroup, 4, { groupId, ...first, assignments: [] });
      const again = await on.ask('the first joins again', JoinGroup, 7, joining(groupId, { memberId: first.memberId }));
      const { generationId } = await second;
      await described(on, 'described before the assignment', groupId);
      await on.see('an old generation beats', Heartbeat, 4, { groupId, ...first });
      const waiting = on.see(
        'the second waits',
        SyncGroup,
        4,
        { groupId, generationId, memberId, assignments: [] },
        { via: 'b' },
      );
      await on.see('the leader assigns, one that is gone too', SyncGroup, 4, {
        groupId,
        generationId: again.generationId,
        memberId: first.memberId,
        assignments: [
          { memberId: first.memberId, assignment: Buffer.from('one') },
          { memberId, assignment: Buffer.from('two') },
          { memberId: NOBODY, assignment: Buffer.from('none') },
        ],
      });
      await waiting;
      await described(on, 'described when stable', groupId);
      await on.see('a follower joins a stable group as before', JoinGroup, 7, joining(groupId, { memberId }), {
        via: 'b',
      });
      await on.see(
        'it leaves',
        LeaveGroup,
        3,
        { groupId, members: [{ memberId, groupInstanceId: null }] },
        { via: 'b' },
      );
      await on.see('the first beats again', Heartbeat, 4, { groupId, generationId, memberId: first.memberId });
    },
  },
  {
    name: 'groups/leaving',
    async play(on) {
      for (const version of on.versions(LeaveGroup)) {
        const groupId = on.own(`g${version}`);
        const { memberId } = await settled(on, groupId);
        const leave = (label: string, ids: readonly string[], group = groupId): Promise<void> =>
          on.see(
            `v${version}, ${label}`,
            LeaveGroup,
            version,
            version < 3
              ? { groupId: group, memberId: ids[0] ?? '' }
              : { groupId: group, members: ids.map((id) => ({ memberId: id, groupInstanceId: null })) },
          );
        await leave('nobody', [NOBODY]);
        await leave('no member', ['']);
        await leave('no such group', [memberId], on.own('none'));
        await leave('no group', [memberId], '');
        if (version >= 3) await leave('one right, one wrong', [NOBODY, memberId]);
        else await leave('right', [memberId]);
        await leave('again', [memberId]);
        if (version >= 3) await leave('none', []);
        await described(on, `v${version}, described after it`, groupId);
      }
    },
  },
  {
    name: 'groups/static members',
    async play(on) {
      const groupId = on.own('g');
      const groupInstanceId = 'i';
      const first = await settled(on, groupId, { groupInstanceId });
      await described(on, 'described', groupId);
      await on.see('beats', Heartbeat, 4, { groupId, groupInstanceId, ...first });
      await on.see('beats without its instance', Heartbeat, 4, { groupId, ...first });
      await on.see('beats as another', Heartbeat, 4, { groupId, groupInstanceId, ...first, memberId: NOBODY });
      const next = await on.ask('comes again, without its id', JoinGroup, 7, joining(groupId, { groupInstanceId }), {
        via: 'b',
      });
      await on.see('the old id beats', Heartbeat, 4, { groupId, groupInstanceId, ...first });
      await on.see('the old id beats without its instance', Heartbeat, 4, { groupId, ...first });
      await on.see('the old id syncs', SyncGroup, 4, { groupId, groupInstanceId, ...first, assignments: [] });
      await on.see('the old id joins', JoinGroup, 7, joining(groupId, { groupInstanceId, memberId: first.memberId }));
      await on.see('the new id beats', Heartbeat, 4, {
        groupId,
        groupInstanceId,
        memberId: next.memberId,
        generationId: next.generationId,
      });
      await on.see('v9: comes again', JoinGroup, 9, joining(groupId, { groupInstanceId }), { via: 'b' });
      await on.see('the old id leaves', LeaveGroup, 4, {
        groupId,
        members: [{ memberId: first.memberId, groupInstanceId }],
      });
      await on.see('an unknown instance leaves', LeaveGroup, 4, {
        groupId,
        members: [{ memberId: '', groupInstanceId: 'j' }],
      });
      await on.see('it leaves by its instance alone', LeaveGroup, 4, {
        groupId,
        members: [{ memberId: '', groupInstanceId }],
      });
      await described(on, 'described after it', groupId);
    },
  },
  {
    name: 'groups/choosing a protocol',
    async play(on) {
      const groupId = on.own('g');
      const named = (...names: string[]) => names.map((name) => ({ name, metadata: SUBSCRIPTION }));
      const first = await settled(on, groupId, { protocols: named('a', 'b', 'c') });
      const { memberId } = await on.get(JoinGroup, 7, joining(groupId, { protocols: named('c', 'b') }), { via: 'b' });
      const second = on.see('the second', JoinGroup, 7, joining(groupId, { memberId, protocols: named('c', 'b') }), {
        via: 'b',
      });
      await on.until(async () => {
        const { groups: found } = await on.get(DescribeGroups, 5, { groups: [groupId] });
        return found[0]?.groupState === 'PreparingRebalance';
      });
      await on.see(
        'the first',
        JoinGroup,
        7,
        joining(groupId, { memberId: first.memberId, protocols: named('a', 'b', 'c') }),
        {
          // The order of the members depends on Kafka's hash map.
          keep: ({ members, ...rest }) => ({ ...rest, members: members.length }),
        },
      );
      await second;
    },
  },
  {
    name: 'groups/large metadata',
    async play(on) {
      const metadata = Buffer.alloc(10 * 1024 * 1024, 1);
      const groupId = on.own('g');
      const { memberId } = await on.get(JoinGroup, 7, joining(groupId, { protocols: [{ name: 'range', metadata }] }));
      const keep = (answer: { errorCode: number }) => ({ errorCode: answer.errorCode });
      const joined = await on.ask(
        '10 MB of it',
        JoinGroup,
        7,
        joining(groupId, { memberId, protocols: [{ name: 'range', metadata }] }),
        { keep, limitMs: 20_000 }, // Kafka never responds
      );
      await on.see(
        '10 MB of assignment',
        SyncGroup,
        4,
        { groupId, generationId: joined.generationId, memberId, assignments: [{ memberId, assignment: metadata }] },
        { keep },
      );
      await on.see('beats after it', Heartbeat, 4, { groupId, generationId: joined.generationId, memberId });
    },
  },
  {
    name: 'groups/described, listed and deleted',
    async play(on) {
      const groupId = on.own('g');
      const { memberId } = await settled(on, groupId);
      for (const version of on.versions(DescribeGroups))
        await on.see(`described v${version}`, DescribeGroups, version, {
          groups: [groupId, on.own('none')],
          includeAuthorizedOperations: version >= 3,
        });
      for (const version of on.versions(ListGroups)) {
        const list = (label: string, filters: { statesFilter?: string[]; typesFilter?: string[] }): Promise<void> =>
          on.see(`listed v${version}, ${label}`, ListGroups, version, filters, {
            keep: (answer) => ({ ...answer, groups: answer.groups.filter((one) => on.isOwn(one.groupId)) }),
          });
        await list('all', {});
        if (version >= 4)
          for (const state of ['Stable', 'stable', 'STABLE', 'Empty', 'NoSuchState', ''])
            await list(`state ${state}`, { statesFilter: [state] });
        if (version >= 5)
          for (const type of ['classic', 'Classic', 'consumer', 'nothing'])
            await list(`type ${type}`, { typesFilter: [type] });
      }
      for (const version of on.versions(DeleteGroups))
        await on.see(`deleted v${version}, with a member`, DeleteGroups, version, {
          groupsNames: [groupId, on.own('none')],
        });
      await on.get(LeaveGroup, 3, { groupId, members: [{ memberId, groupInstanceId: null }] });
      await described(on, 'described when empty', groupId);
      await on.see('deleted, one twice', DeleteGroups, 2, { groupsNames: [groupId, groupId] });
      await described(on, 'described when deleted', groupId);
      await on.see('deleted again', DeleteGroups, 2, { groupsNames: [groupId] });
    },
  },
];
