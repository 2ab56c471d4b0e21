// The number of shards that groups, or transactions, are divided into. A group's shard is its id's hash modulo that number,
// so the number of the first start is used for good: with another one most groups and offsets would not be found. In Kafka
// likewise the number of partitions of `__consumer_offsets` counts, and `offsets.topic.num.partitions` only until that
// topic exists. Here the rows of the store are the truth (decision 5), so they take precedence over the topic.

export interface KnownShards {
  /** `shards` of the store; 0: none yet. */
  readonly stored: number;
  /** Partitions of the internal topic, where it exists. */
  readonly topic: number | undefined;
  readonly setting: number;
  /** The broker property of that setting. */
  readonly property: string;
  /** What is divided: `groups`. */
  readonly contents: string;
}

export interface ChosenShards {
  readonly shards: number;
  /** For the operator, if the setting has no effect. */
  readonly warning: string | undefined;
}

export function chooseShards({ stored, topic, setting, property, contents }: KnownShards): ChosenShards {
  const shards = stored > 0 ? stored : (topic ?? setting);
  const warning =
    shards === setting
      ? undefined
      : `${property} is ${setting} and has no effect: ${contents} are divided into ${shards} since the first ` +
        `start; set it to ${shards}`;
  return { shards, warning };
}
