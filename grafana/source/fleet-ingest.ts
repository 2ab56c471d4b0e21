// The path of a position, left to right: devices, received, in the log, read by the consumers, told to people.
import { type DashboardPlan, quantile, rateOf } from './panels.ts';

export const fleetIngest: DashboardPlan = {
  uid: 'milepost-fleet-ingest',
  title: 'Milepost / Fleet ingest',
  description:
    'From the trucks to the map: what came, what was acknowledged, what was not, and how old it is when seen.',
  rows: [
    {
      title: 'At a glance',
      stats: [
        {
          title: 'Devices',
          description: 'MQTT connections. Good: as many as trucks are on the road.',
          unit: 'short',
          queries: { devices: 'sum(milepost_mqtt_connections{$filter})' },
        },
        {
          title: 'Positions in',
          description: 'PUBLISHes a second. Good: trucks divided by their interval.',
          unit: 'ops',
          queries: { received: 'sum(rate(milepost_mqtt_messages_received_total{$filter}[$__rate_interval]))' },
        },
        {
          title: 'PUBACK p99',
          description: 'From PUBLISH over the fsync to PUBACK. Good: below 100 ms; above 1 s devices begin to resend.',
          unit: 's',
          queries: { p99: quantile(0.99, 'milepost_mqtt_puback_duration_seconds') },
          thresholds: [0.1, 1],
        },
        {
          title: 'Accounting gap',
          description:
            'received - appended - dead-lettered - refused - in flight. Good: 0, always. Anything else is a defect.',
          unit: 'short',
          queries: {
            gap:
              'sum(milepost_mqtt_messages_received_total{$filter}) - sum(milepost_mqtt_messages_appended_total{$filter})' +
              ' - sum(milepost_dead_letters_total{$filter}) - sum(milepost_mqtt_messages_refused_total{$filter})' +
              ' - sum(milepost_mqtt_inflight{$filter})',
          },
          thresholds: [1, 1],
        },
        {
          title: 'Oldest unread position',
          description: 'Of all consumer groups. Good: below 5 s.',
          unit: 's',
          queries: { lag: 'max(kafka_consumergroup_lag_seconds{$filter})' },
          thresholds: [5, 60],
        },
        {
          title: 'Position age p99',
          description:
            'From the time a device gives a position to the map. Good: below 5 s; offline devices that resend raise it.',
          unit: 's',
          queries: { p99: quantile(0.99, 'milepost_position_age_seconds') },
          thresholds: [5, 60],
        },
      ],
    },
    {
      title: 'Received and acknowledged',
      graphs: [
        {
          title: 'Received to appended',
          description: 'Good: appended follows received; dead-lettered and refused lie on the floor.',
          unit: 'ops',
          queries: {
            received: 'sum(rate(milepost_mqtt_messages_received_total{$filter}[$__rate_interval]))',
            appended: 'sum(rate(milepost_mqtt_messages_appended_total{$filter}[$__rate_interval]))',
            'dead-lettered': 'sum(rate(milepost_dead_letters_total{$filter}[$__rate_interval]))',
            refused: 'sum(rate(milepost_mqtt_messages_refused_total{$filter}[$__rate_interval]))',
          },
        },
        {
          title: 'In flight',
          description: 'Received, not settled. Good: small and steady. Growing: the log does not keep up.',
          unit: 'short',
          queries: { '{{instance}}': 'milepost_mqtt_inflight{$filter}' },
        },
        {
          title: 'PUBACK latency',
          description: 'From PUBLISH over the fsync to PUBACK. Good: p99 below 100 ms.',
          unit: 's',
          queries: {
            p50: quantile(0.5, 'milepost_mqtt_puback_duration_seconds'),
            p99: quantile(0.99, 'milepost_mqtt_puback_duration_seconds'),
          },
        },
        {
          title: 'Position age at the map',
          description:
            'Device time to consumer. Good: p50 about the network; a p99 of minutes is devices sending what they stored.',
          unit: 's',
          queries: {
            p50: quantile(0.5, 'milepost_position_age_seconds'),
            p99: quantile(0.99, 'milepost_position_age_seconds'),
          },
        },
      ],
    },
    {
      title: 'What did not become a position',
      graphs: [
        {
          title: 'Dead letters by reason',
          description:
            'Kept in the topic dead_letters. Good: none; one reason rising is one kind of device or one new firmware.',
          unit: 'ops',
          queries: { '{{reason}}': rateOf('milepost_dead_letters_total', 'reason') },
        },
        {
          title: 'Refused by reason',
          description:
            'Not acknowledged, so devices send again (duplicate: acknowledged before). Good: none but duplicates.',
          unit: 'ops',
          queries: { '{{reason}}': rateOf('milepost_mqtt_messages_refused_total', 'reason') },
        },
      ],
    },
    {
      title: 'Devices',
      graphs: [
        {
          title: 'Connections by listener',
          description: 'Good: steady. A cliff is a network or a gateway that went.',
          unit: 'short',
          queries: { '{{listener}}': 'sum by (listener) (milepost_mqtt_connections{$filter})' },
        },
        {
          title: 'Connects and turned away',
          description: 'Good: few a second. A storm is devices that cannot stay.',
          unit: 'ops',
          queries: { '{{result}}': rateOf('milepost_mqtt_connects_total', 'result') },
        },
        {
          title: 'Disconnects by reason',
          description:
            'Good: by-device. keepalive and lost are networks; stalled is the log; protocol-error is a device.',
          unit: 'ops',
          queries: { '{{reason}}': rateOf('milepost_mqtt_disconnects_total', 'reason') },
        },
        {
          title: 'Missed by slow subscribers',
          description: 'Live MQTT messages that a subscriber did not get. No position is lost by it. Good: none.',
          unit: 'ops',
          queries: { '{{reason}}': rateOf('milepost_mqtt_messages_dropped_total', 'reason') },
        },
      ],
    },
    {
      title: 'People',
      graphs: [
        {
          title: 'Deliveries of alerts',
          description: 'Good: delivered only. Failed ones are tried again with a growing pause.',
          unit: 'ops',
          queries: { '{{channel}} {{result}}': rateOf('milepost_notifications_total', 'channel, result') },
        },
        {
          title: 'Map',
          description: 'Trucks with a known position, and open pages.',
          unit: 'short',
          queries: {
            trucks: 'max(milepost_dashboard_trucks{$filter})',
            pages: 'sum(milepost_dashboard_viewers{$filter})',
          },
        },
      ],
    },
  ],
};
