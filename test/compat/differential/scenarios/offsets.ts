// Offsets of groups, committed and fetched.
import { LeaveGroup, OffsetCommit, OffsetDelete, OffsetFetch } from '@milepost/wire';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, deleteTopic } from '../topics.ts';
import { settled } from './groups.ts';

const NOBODY = 'nobody-11111111-2222-3333-4444-555555555555';

interface Committing {
  readonly generationIdOrMemberEpoch?: number;
  readonly memberId?: string;
  readonly groupInstanceId?: string | null;
}

const committing = (
  groupId: string,
  name: string,
  offset = 1,
  how: Committing = {},
  partitionIndex = 0,
  committedMetadata: string | null = 'm',
) => ({
  groupId,
  memberId: '',
  topics: [{ name, partitions: [{ partitionIndex, committedOffset: offset, committedMetadata }] }],
  ...how,
});

const fetched = (on: Stage, label: string, groupId: string, name: string): Promise<void> =>
  on.see(label, OffsetFetch, 8, { groups: [{ groupId, topics: [{ name, partitionIndexes: [0, 1] }] }] });

export const offsets: readonly Scenario[] = [
  {
    name: 'offsets/committed and fetched, each version',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const topicId = (await on.topicIds()).get(name) ?? '';
      for (const version of on.versions(OffsetCommit)) {
        const groupId = on.own(`g${version}`);
        const body = committing(groupId, name, version);
        const byId = [{ topicId, partitions: body.topics[0]?.partitions ?? [] }];
        await on.see(`committed v${version}`, OffsetCommit, version, version < 10 ? body : { ...body, topics: byId });
        await fetched(on, `after v${version}`, groupId, name);
      }
      const groupId = on.own('g5');
      for (const version of on.versions(OffsetFetch)) {
        const ask = (
          label: string,
          group: string,
          topics: { name: string; partitionIndexes: number[] }[] | null,
        ): Promise<void> => {
          const byId = topics?.map((one) => ({ topicId, partitionIndexes: one.partitionIndexes })) ?? null;
          return on.see(
            `fetched v${version}, ${label}`,
            OffsetFetch,
            version,
            version < 8
              ? { groupId: group, topics }
              : { groups: [{ groupId: group, topics: version < 10 ? topics : byId }] },
          );
        };
        await ask('both', groupId, [{ name, partitionIndexes: [0, 1] }]);
        await ask('one that is not there', groupId, [{ name, partitionIndexes: [7] }]);
        await ask('none', groupId, []);
        if (version >= 2) await ask('all', groupId, null);
        await ask('of a group that is not there', on.own('none'), [{ name, partitionIndexes: [0] }]);
        await ask('of no group', '', [{ name, partitionIndexes: [0] }]);
        if (version < 10)
          await ask('of a topic that is not there', groupId, [{ name: on.own('none'), partitionIndexes: [0] }]);
        if (version >= 7)
          await on.see(`fetched v${version}, stable ones`, OffsetFetch, version, {
            ...(version < 8 ? { groupId, topics: null } : { groups: [{ groupId, topics: null }] }),
            requireStable: true,
          });
      }
      await on.see('two groups, one twice', OffsetFetch, 8, {
        groups: [groupId, on.own('g6'), groupId].map((one) => ({ groupId: one, topics: null })),
      });
      for (const unknown of ['11111111-2222-3333-4444-555555555555', '00000000-0000-0000-0000-000000000000']) {
        await on.see(`committed by id ${unknown}`, OffsetCommit, 10, {
          groupId,
          memberId: '',
          topics: [
            { topicId: unknown, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] },
          ],
        });
        await on.see(`fetched by id ${unknown}`, OffsetFetch, 10, {
          groups: [{ groupId, topics: [{ topicId: unknown, partitionIndexes: [0] }] }],
        });
      }
    },
  },
  {
    name: 'offsets/whose they are',
    async play(on) {
      const name = await createTopic(on, 'a');
      const groupId = on.own('g');
      const { memberId, generationId } = await settled(on, groupId);
      const commit = (label: string, how: Committing, group = groupId): Promise<void> =>
        on.see(label, OffsetCommit, 7, committing(group, name, 1, how));
      await commit('its member', { memberId, generationIdOrMemberEpoch: generationId });
      await commit('an old generation', { memberId, generationIdOrMemberEpoch: generationId - 1 });
      await commit('a generation to come', { memberId, generationIdOrMemberEpoch: generationId + 1 });
      await commit('no generation', { memberId, generationIdOrMemberEpoch: -1 });
      await commit('nobody', { memberId: NOBODY, generationIdOrMemberEpoch: generationId });
      await commit('no member', { memberId: '', generationIdOrMemberEpoch: generationId });
      await commit('no member and no generation', {});
      await commit('an instance that no one knows', {
        memberId,
        generationIdOrMemberEpoch: generationId,
        groupInstanceId: on.own('i'),
      });
      await on.get(LeaveGroup, 3, { groupId, members: [{ memberId, groupInstanceId: null }] });
      await commit('gone', { memberId, generationIdOrMemberEpoch: generationId });
      await commit('no member, of an empty group', {});
      await commit(
        'a member, of a group that is not there',
        { memberId, generationIdOrMemberEpoch: 1 },
        on.own('none'),
      );
      await commit(
        'a generation alone, of a group that is not there',
        { generationIdOrMemberEpoch: 1 },
        on.own('none'),
      );
      await commit('no group', {}, '');
      await fetched(on, 'after it', groupId, name);
    },
  },
  {
    name: 'offsets/what is committed',
    async play(on) {
      const name = await createTopic(on, 'a');
      const groupId = on.own('g');
      const commit = (
        label: string,
        topic: string,
        offset: number,
        { partition = 0, metadata = '' as string | null } = {},
      ): Promise<void> => on.see(label, OffsetCommit, 7, committing(groupId, topic, offset, {}, partition, metadata));
      for (const offset of [0, -1, -2, 1_000_000_000_000, Number.MAX_SAFE_INTEGER]) {
        await commit(`offset ${offset}`, name, offset);
        await fetched(on, `after offset ${offset}`, groupId, name);
      }
      await commit('4096 letters', name, 1, { metadata: 'x'.repeat(4096) });
      await commit('4097 letters', name, 1, { metadata: 'x'.repeat(4097) });
      await commit('4096 bytes, fewer letters', name, 1, { metadata: 'é'.repeat(2048) });
      await commit('more bytes, 4096 letters', name, 1, { metadata: 'é'.repeat(4096) });
      await commit('no metadata', name, 2, { metadata: null });
      await fetched(on, 'after no metadata', groupId, name);
      await commit('no such topic', on.own('none'), 1);
      await commit('no such partition', name, 1, { partition: 3 });
      await commit('a partition below zero', name, 1, { partition: -1 });
      await commit('an impossible name', 'a b', 1);
      await on.see('no topics', OffsetCommit, 7, { groupId, memberId: '', topics: [] });
      await on.see('one right, one wrong', OffsetCommit, 7, {
        groupId,
        memberId: '',
        topics: [
          { name, partitions: [{ partitionIndex: 0, committedOffset: 9, committedMetadata: '' }] },
          { name: on.own('none'), partitions: [{ partitionIndex: 0, committedOffset: 9, committedMetadata: '' }] },
        ],
      });
      await fetched(on, 'after all', groupId, name);
      await on.see('with an epoch', OffsetCommit, 7, {
        groupId,
        memberId: '',
        topics: [
          {
            name,
            partitions: [{ partitionIndex: 0, committedOffset: 9, committedLeaderEpoch: 5, committedMetadata: '' }],
          },
        ],
      });
      await fetched(on, 'after an epoch', groupId, name);
    },
  },
  {
    name: 'offsets/a topic deleted and made again',
    async play(on) {
      const name = await createTopic(on, 'a');
      const groupId = on.own('g');
      await on.ask('committed', OffsetCommit, 7, committing(groupId, name, 5));
      await deleteTopic(on, name);
      await on.see('committed to what is deleted', OffsetCommit, 7, committing(groupId, name, 6));
      await createTopic(on, 'a');
      await fetched(on, 'when it is made again', groupId, name);
      await on.see('committed to the new one', OffsetCommit, 7, committing(groupId, name, 7));
      await fetched(on, 'and fetched', groupId, name);
    },
  },
  {
    name: 'offsets/deleted',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const groupId = on.own('g');
      await on.get(OffsetCommit, 7, committing(groupId, name, 5));
      const remove = (label: string, partitionIndex: number, topic = name, group = groupId): Promise<void> =>
        on.see(label, OffsetDelete, 0, { groupId: group, topics: [{ name: topic, partitions: [{ partitionIndex }] }] });
      await remove('one that is not committed', 1);
      await remove('no such partition', 7);
      await remove('no such topic', 0, on.own('none'));
      await remove('no such group', 0, name, on.own('none'));
      await remove('no group', 0, name, '');
      await remove('it', 0);
      await fetched(on, 'after it', groupId, name);
      await on.see('nothing', OffsetDelete, 0, { groupId, topics: [] });
    },
  },
];
