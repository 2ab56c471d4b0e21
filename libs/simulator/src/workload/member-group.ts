// One group and its members, which join, leave, die and pause; in the end the living ones must own every partition. A
// mixed group has members of both protocols, like a fleet that is migrated from one to the other, and back, during
// operation.
import { ErrorCode } from '@milepost/core';
import { ConsumerGroupDescribe, DescribeGroups } from '@milepost/wire';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { ClassicMember } from './classic-member.ts';
import type { GroupOfMembers, Member } from './member.ts';
import { ConsumerMember } from './consumer-member.ts';
import { between, sleep, type World } from './world.ts';

export type GroupKind = 'classic' | 'consumer' | 'mixed';

const MOST_MEMBERS = 4;
const INSTANCES = 2;
const DESCRIBE_AGAIN_MS = 1_000;
const DESCRIBE_PATIENCE_MS = 20_000;

export class MemberGroup {
  readonly kind: GroupKind;
  readonly group: GroupOfMembers;
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #members: Member[] = [];
  readonly #pauseMs: number;
  /** The protocol of most new members; in a mixed group it changes. */
  #comes: 'classic' | 'consumer';

  constructor(world: World, kind: GroupKind, group: GroupOfMembers) {
    this.#world = world;
    this.kind = kind;
    this.group = group;
    this.#random = world.random.fork();
    this.#pauseMs = kind === 'mixed' ? between(this.#random, 1_000, 4_000) : between(this.#random, 1_500, 8_000);
    this.#comes = kind === 'mixed' ? 'classic' : kind;
  }

  async run(): Promise<void> {
    this.#add(this.#freeInstance());
    for (;;) {
      await sleep(this.#world, this.#random.below(2 * this.#pauseMs));
      if (this.#world.phase !== 'chaos') return;
      this.#happen();
    }
  }

  /** Members commit and heartbeat until this is called. */
  end(): void {
    for (const member of this.#living()) member.kill();
  }

  /** Reports the state of the group, as described to another client and as its members believe. */
  async tellRest(): Promise<void> {
    const client = new ClusterClient(this.#world, `observer of ${this.group.id}`, 20_000);
    const described = await this.#described(client);
    client.disconnect();
    const { id: group, topic } = this.group;
    if (!described) return this.#world.see({ kind: 'broken', what: `${group} cannot be described` });
    const living = this.#living().map(({ memberId, owned }) => ({ member: memberId, partitions: owned }));
    this.#world.see({ kind: 'group-at-rest', group, ...described, living, partitions: topic.partitions });
  }

  #happen(): void {
    if (this.kind === 'mixed' && this.#random.chance(0.4)) return this.#roll();
    const living = this.#living();
    const someone = living.length > 0 ? this.#random.pick(living) : undefined;
    switch (this.#random.below(8)) {
      case 0:
      case 1:
      case 2:
        if (living.length < MOST_MEMBERS) this.#add(this.#freeInstance());
        break;
      case 3:
        this.#note(someone, 'is killed');
        someone?.kill();
        break;
      case 4:
        this.#note(someone, 'leaves');
        void someone?.leave();
        break;
      case 5: {
        const ms = between(this.#random, 500, 14_000);
        this.#note(someone, `stands still for ${ms} ms`);
        someone?.pause(ms);
        break;
      }
      case 6:
        this.#note(someone, 'loses its connection');
        someone?.disconnect();
        break;
      case 7:
        if (someone && someone.instanceId !== null) {
          // The old process may be paused rather than dead, and continue later.
          someone.pause(between(this.#random, 500, 5_000));
          this.#add(someone.instanceId);
        }
        break;
    }
  }

  /** Replaces a member of the other protocol; when none is left, the migration turns around. */
  #roll(): void {
    const others = this.#living().filter(({ speaks }) => speaks !== this.#comes);
    if (others.length === 0) {
      this.#comes = otherThan(this.#comes);
      return;
    }
    const old = this.#random.pick(others);
    this.#note(old, 'is rolled');
    if (this.#random.chance(0.7)) void old.leave();
    else old.kill();
    this.#add(old.instanceId);
  }

  #add(instanceId: string | null): void {
    const name = `${this.group.id}.${this.#members.length}`;
    const isStranger = this.kind === 'mixed' && this.#random.chance(0.1);
    const speaks = isStranger ? otherThan(this.#comes) : this.#comes;
    const make = speaks === 'classic' ? ClassicMember : ConsumerMember;
    const member = new make(this.#world, this.group, name, instanceId);
    this.#note(member, `comes as ${instanceId ?? 'nobody in particular'}, ${speaks}`);
    this.#members.push(member);
    if (instanceId !== null && this.group.takesOver) this.#takeOver(instanceId);
    void member.run();
  }

  #takeOver(instanceId: string): void {
    const rivals = this.#living().filter((member) => member.instanceId === instanceId);
    if (rivals.length > 1) for (const rival of rivals) rival.isContested = true;
    this.#world.see({ kind: 'holds', group: this.group.id, member: instanceId, partitions: [], untilMs: 0 });
  }

  #note(member: Member | undefined, what: string): void {
    if (member) this.#world.note(`${member.name} ${what}`);
  }

  #living(): Member[] {
    return this.#members.filter(({ isAlive }) => isAlive);
  }

  /** A third of them are static. */
  #freeInstance(): string | null {
    const instanceId = `instance-${this.#random.below(INSTANCES)}`;
    const isTaken = this.#living().some((other) => other.instanceId === instanceId);
    return this.#random.chance(0.33) && !isTaken ? instanceId : null;
  }

  /** Where leaders move, it may take a moment until the next coordinator is ready. */
  async #described(client: ClusterClient) {
    for (let waitedMs = 0; ; waitedMs += DESCRIBE_AGAIN_MS) {
      const found = await this.#describedOnce(client);
      client.heard(this.group.id, found?.error);
      const isReady = found && !isElsewhere.includes(found.error);
      if (isReady || waitedMs >= DESCRIBE_PATIENCE_MS) return found && { state: found.state, members: found.members };
      await sleep(this.#world, DESCRIBE_AGAIN_MS);
    }
  }

  async #describedOnce(client: ClusterClient) {
    if (this.kind === 'classic') return this.#classic(client);
    const found = await this.#consumer(client);
    return this.kind === 'mixed' && found?.state === 'Dead' ? this.#classic(client) : found;
  }

  async #classic(client: ClusterClient) {
    const response = await client.askCoordinator(this.group.id, DescribeGroups, 5, { groups: [this.group.id] });
    const found = response?.groups[0];
    const members = found?.members.map(({ memberId }) => memberId) ?? [];
    return found && { error: found.errorCode, state: found.groupState, members };
  }

  async #consumer(client: ClusterClient) {
    const response = await client.askCoordinator(this.group.id, ConsumerGroupDescribe, 1, {
      groupIds: [this.group.id],
      includeAuthorizedOperations: false,
    });
    const found = response?.groups[0];
    if (!found) return undefined;
    const state = found.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? 'Dead' : found.groupState;
    return { error: found.errorCode, state, members: found.members.map(({ memberId }) => memberId) };
  }
}

const otherThan = (one: 'classic' | 'consumer'): 'classic' | 'consumer' => (one === 'classic' ? 'consumer' : 'classic');

const isElsewhere: readonly ErrorCode[] = [
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
];
