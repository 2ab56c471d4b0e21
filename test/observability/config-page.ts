// docs/CONFIG.md, generated from the tables of settings.
import { BROKER_CONFIG_KEYS, TOPIC_CONFIG_KEYS, type ConfigKey } from '@milepost/metadata';
import { describeSettings } from '@milepost/settings';

export function configPage(): string {
  const settings = describeSettings().map(
    ({ variable, fallback, meaning }) => `| \`${variable}\` | ${code(fallback)} | ${meaning} |`,
  );
  return [
    '# Settings',
    '',
    'Written by `npm run docs` from the code. A bad value is refused at the start, with the setting, the expected and the seen value.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...settings,
    '',
    '`OTEL_*` as OpenTelemetry defines them: [TRACES.md](TRACES.md).',
    '',
    '## Broker properties',
    '',
    "Kafka's own names and defaults, as variables by the rule of Kafka's containers (`KAFKA_NUM_PARTITIONS=4` is `num.partitions=4`: `_` is",
    '`.`, `__` is `_`, `___` is `-`) or in a file: `npx milepost broker --config server.properties`. Those without an effect here are',
    'accepted, listed and named in a warning.',
    '',
    ...properties(BROKER_CONFIG_KEYS.values()),
    '',
    '## Topic properties',
    '',
    ...properties(TOPIC_CONFIG_KEYS),
    '',
  ].join('\n');
}

function properties(keys: Iterable<ConfigKey>): string[] {
  const rows = Array.from(
    keys,
    (key) =>
      `| \`${key.name}\` | ${code(key.default ?? '')} | ${key.hasEffect ? 'yes' : 'not yet'} | ${key.documentation} |`,
  );
  return ['| property | default | has effect | meaning |', '|---|---|---|---|', ...rows.sort()];
}

const code = (text: string): string => (text === '' || text.startsWith('(') ? text : `\`${text}\``);
