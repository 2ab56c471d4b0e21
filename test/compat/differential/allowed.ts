// Where this broker answers otherwise than Apache Kafka, and why. A run fails on a difference that is not here, and a
// whole run on an entry that matches none: the list is true or it is mended.

export interface Allowed {
  /** Of `scenario · label · path`. */
  readonly where: RegExp;
  readonly why: string;
}

const OPEN = 'found by this comparison, not looked at yet';

export const allowed: readonly Allowed[] = [
  { where: /^api-versions\/each version · /, why: OPEN },
  { where: /^api-versions\/names of clients · /, why: OPEN },
  { where: /^configs\/all of a broker · /, why: OPEN },
  { where: /^configs\/all of a topic · /, why: OPEN },
  { where: /^configs\/altered, one at a time · /, why: OPEN },
  { where: /^configs\/of a broker · /, why: OPEN },
  { where: /^configs\/of a group · /, why: OPEN },
  { where: /^configs\/of metrics of clients · /, why: OPEN },
  { where: /^configs\/what is asked for · /, why: OPEN },
  { where: /^configs\/whose they are · /, why: OPEN },
  { where: /^fetch\/a topic deleted and made again · /, why: OPEN },
  { where: /^fetch\/as a follower · /, why: OPEN },
  { where: /^fetch\/behind deleted records · /, why: OPEN },
  { where: /^fetch\/epochs of leaders · /, why: OPEN },
  { where: /^fetch\/limits of bytes · /, why: OPEN },
  { where: /^fetch\/offsets · /, why: OPEN },
  { where: /^fetch\/waiting · /, why: OPEN },
  { where: /^fetch\/where there is nothing · /, why: OPEN },
  { where: /^idempotence\/a batch again · /, why: OPEN },
  { where: /^idempotence\/a gap · /, why: OPEN },
  { where: /^idempotence\/around the end · /, why: OPEN },
  { where: /^idempotence\/epochs · /, why: OPEN },
  { where: /^idempotence\/half an id · /, why: OPEN },
  { where: /^idempotence\/ids · /, why: OPEN },
  { where: /^idempotence\/two partitions in one request · /, why: OPEN },
  { where: /^list-offsets\/behind deleted records · /, why: OPEN },
  { where: /^list-offsets\/by time · /, why: OPEN },
  { where: /^list-offsets\/ends of epochs · /, why: OPEN },
  { where: /^list-offsets\/special times, each version · /, why: OPEN },
  { where: /^list-offsets\/where there is nothing · /, why: OPEN },
  { where: /^malformed\/headers · /, why: OPEN },
  { where: /^metadata\/by id · /, why: OPEN },
  { where: /^metadata\/partitions of topics · /, why: OPEN },
  { where: /^metadata\/the cluster · /, why: OPEN },
  { where: /^produce\/a segment too small for a batch · /, why: OPEN },
  { where: /^produce\/codecs · /, why: OPEN },
  { where: /^produce\/enough replicas · /, why: OPEN },
  { where: /^produce\/headers of batches · /, why: OPEN },
  { where: /^produce\/in a transaction that is not open · /, why: OPEN },
  { where: /^produce\/log append time · /, why: OPEN },
  { where: /^produce\/records inside · /, why: OPEN },
  { where: /^produce\/records that are none · /, why: OPEN },
  { where: /^produce\/the codec of the topic · /, why: OPEN },
  { where: /^produce\/too large · /, why: OPEN },
  { where: /^produce\/where there is nothing · /, why: OPEN },
  { where: /^topics\/configs · /, why: OPEN },
  { where: /^topics\/deleted, each version · /, why: OPEN },
  { where: /^topics\/leaders elected · /, why: OPEN },
  { where: /^topics\/more partitions · /, why: OPEN },
  { where: /^topics\/names · /, why: OPEN },
  { where: /^topics\/numbers · /, why: OPEN },
];
