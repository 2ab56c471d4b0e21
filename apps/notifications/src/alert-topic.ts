import { type Channel, encodeAlert } from '@milepost/alerts';
import type { Clock } from '@milepost/core';
import { type Producer, TRUCK_ALERTS } from '@milepost/streams';
import { headersOf } from '@milepost/telemetry';

/** Alerts as records of `truck_alerts`, keyed by truck. */
export function alertTopic(producer: Producer, clock: Clock): Channel {
  return {
    name: TRUCK_ALERTS,
    deliver: (alert) =>
      producer.send([
        {
          topic: TRUCK_ALERTS,
          key: Buffer.from(alert.truckId),
          value: encodeAlert(alert),
          headers: new Map(Object.entries(headersOf()).map(([name, value]) => [name, Buffer.from(value)])),
          timestamp: clock.now(),
        },
      ]),
  };
}
