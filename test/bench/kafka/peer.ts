// One of the two brokers under load, and its cost: the CPU time and the peak memory of its process, as Linux reports
// them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeNetwork } from '@milepost/node-host';
import { DeleteTopics } from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import { type BrokerUnderTest, startBroker } from '../../compat/brokers.ts';

/** USER_HZ: the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

export class Peer {
  readonly name: string;
  readonly #broker: BrokerUnderTest;
  readonly #pid: number;

  private constructor(name: string, broker: BrokerUnderTest, pid: number) {
    this.name = name;
    this.#broker = broker;
    this.#pid = pid;
  }

  static ours(flush: 'always' | 'os'): Promise<Peer> {
    const name = flush === 'always' ? 'Milepost, fsync before each acknowledgement' : 'Milepost, MILEPOST_FLUSH=os';
    return Peer.#start(name, 'ours', { MILEPOST_FLUSH: flush, MILEPOST_LOG_LEVEL: 'warn' });
  }

  /** As shipped, except for -Xmx1g. */
  static kafka(): Promise<Peer> {
    return Peer.#start('Apache Kafka 4.3.1', 'kafka', {});
  }

  static async #start(name: string, against: string, more: Record<string, string>): Promise<Peer> {
    const broker = await startBroker(against, 'bench', more);
    if (broker.pid === undefined) throw new Error(`${name} has no process`);
    return new Peer(name, broker, broker.pid);
  }

  get bootstrap(): string {
    return this.#broker.bootstrap;
  }

  /** User and system time so far. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  /** Since the last `forgetPeak`. */
  get peakMemoryBytes(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5');
  }

  /** Deletes its bytes too: dirty pages of one round would be written at the cost of the next. */
  async deleteTopic(name: string): Promise<void> {
    const [host = '', port] = this.bootstrap.split(':');
    const client = await RawClient.connect(nodeNetwork, { host, port: Number(port) });
    const { responses } = await client.ask(DeleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 });
    client.close();
    if (responses[0]?.errorCode !== 0)
      throw new Error(`${this.name}: ${name} is not deleted: ${responses[0]?.errorCode}`);
    const isThere = () => readdirSync(this.#broker.logs ?? '').some((folder) => folder.startsWith(`${name}-`));
    while (isThere()) await delay(20);
  }

  stop(): Promise<void> {
    return this.#broker.stop();
  }
}
