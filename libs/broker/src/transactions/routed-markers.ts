// Brings the markers of this broker's coordinator to the leaders of the partitions, as the newest image names them: to this
// broker itself, or by WriteTxnMarkers to another one (Kafka's TransactionMarkerChannelManager).
//
// Promises: never rejects. Markers of one turn to one broker share a request. Retries are the coordinator's: after a change of
// leader the next attempt goes to the new one.
import { type BrokerId, ErrorCode, errorName, NO_BROKER, type TopicPartition } from '@milepost/core';
import type { MarkerOutcome, MarkerWriter, TransactionMarker } from '@milepost/coordinators';
import { type ClusterImage, OFFSETS_TOPIC } from '@milepost/metadata';
import { PeerUnreachable } from '@milepost/peer';
import { type ResponseOutput, WriteTxnMarkers } from '@milepost/wire';
import { coordinatorOf } from '../groups/led-shards.ts';
import type { LocalMarkers } from './local-markers.ts';
import type { Peers } from './peers.ts';

export interface RoutedMarkersDeps {
  readonly brokerId: BrokerId;
  readonly image: () => ClusterImage;
  readonly local: LocalMarkers;
  readonly peers: Pick<Peers, 'request'>;
}

interface Waiting {
  readonly partition: TopicPartition;
  readonly marker: TransactionMarker;
  readonly resolve: (outcome: MarkerOutcome) => void;
}

export class RoutedMarkers implements MarkerWriter {
  readonly #deps: RoutedMarkersDeps;
  /** By broker, what its next request will have. */
  readonly #waiting = new Map<BrokerId, Waiting[]>();

  constructor(deps: RoutedMarkersDeps) {
    this.#deps = deps;
  }

  async write(partition: TopicPartition, marker: TransactionMarker): Promise<MarkerOutcome> {
    const { brokerId, image, local } = this.#deps;
    const leader = leaderOf(image(), partition);
    if (leader === 'gone') return 'gone';
    if (leader === NO_BROKER) return { later: 'it has no leader now' };
    return leader === brokerId
      ? outcomeOf(await local.append(partition, marker))
      : this.#send(leader, partition, marker);
  }

  #send(leader: BrokerId, partition: TopicPartition, marker: TransactionMarker): Promise<MarkerOutcome> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(leader);
      if (waiting) return void waiting.push({ partition, marker, resolve });
      this.#waiting.set(leader, [{ partition, marker, resolve }]);
      queueMicrotask(() => void this.#request(leader));
    });
  }

  async #request(leader: BrokerId): Promise<void> {
    const waiting = this.#waiting.get(leader) ?? [];
    this.#waiting.delete(leader);
    const byMarker = [...Map.groupBy(waiting, ({ marker }) => marker)];
    const markers = byMarker.map(([{ isCommit, ...marker }, some]) => ({
      ...marker,
      transactionResult: isCommit,
      topics: [...Map.groupBy(some, ({ partition }) => partition.topic)].map(([name, of]) => ({
        name,
        partitionIndexes: of.map(({ partition }) => partition.partition),
      })),
    }));
    try {
      const response = await this.#deps.peers.request(leader, WriteTxnMarkers, { markers });
      for (const [place, [, some]] of byMarker.entries())
        for (const { partition, resolve } of some) resolve(outcomeOf(errorOf(response.markers[place], partition)));
    } catch (failure) {
      if (!(failure instanceof PeerUnreachable)) throw failure;
      for (const { resolve } of waiting) resolve({ later: failure.message });
    }
  }
}

/** `gone`: there is no such partition any more. */
function leaderOf(image: ClusterImage, { topic, partition }: TopicPartition): BrokerId | 'gone' {
  if (topic === OFFSETS_TOPIC) return coordinatorOf(image, OFFSETS_TOPIC, partition)?.id ?? NO_BROKER;
  return image.topics.get(topic)?.partitions[partition]?.leader ?? 'gone';
}

type MarkerResult = ResponseOutput<typeof WriteTxnMarkers>['markers'][number];

const errorOf = (result: MarkerResult | undefined, { topic, partition }: TopicPartition): ErrorCode =>
  result?.topics
    .find(({ name }) => name === topic)
    ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.errorCode ??
  ErrorCode.UNKNOWN_SERVER_ERROR;

function outcomeOf(error: ErrorCode): MarkerOutcome {
  if (error === ErrorCode.NONE) return 'written';
  return error === ErrorCode.INVALID_PRODUCER_EPOCH ? 'obsolete' : { later: errorName(error) };
}
