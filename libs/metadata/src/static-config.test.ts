import { parseProperties, propertyOfVariable, readStaticConfig } from './static-config.ts';

test('a variable’s underscores stand for dots, two for one, three for a dash', () => {
  expect(propertyOfVariable('KAFKA_NUM_PARTITIONS')).toBe('num.partitions');
  expect(propertyOfVariable('KAFKA_A__B')).toBe('a_b');
  expect(propertyOfVariable('KAFKA_A___B_C')).toBe('a-b.c');
});

test('variables of Kafka’s scripts are no properties', () => {
  for (const variable of [
    'KAFKA_HEAP_OPTS',
    'KAFKA_LOG4J_LOGGERS',
    'KAFKA_VERSION',
    'KAFKA_JMX_PORT',
    'PATH',
    'MILEPOST_KAFKA_PORT',
  ])
    expect(propertyOfVariable(variable)).toBeUndefined();
});

test('a properties file is read as Java reads it', () => {
  const text = [
    '# a comment',
    '! another',
    '',
    'num.partitions=4',
    '  log.dirs : /a, /b  ',
    'spaced  value one',
    'long=one,\\',
    '   two',
    'path=C\\:\\\\data',
    'unicode=\\u00e4',
    'empty=',
    'a\\=b=c',
    'ends.in.slash=x\\\\',
  ].join('\r\n');
  expect(Object.fromEntries(parseProperties(text))).toEqual({
    'num.partitions': '4',
    'log.dirs': '/a, /b',
    spaced: 'value one',
    long: 'one,two',
    path: 'C:\\data',
    unicode: 'ä',
    empty: '',
    'a=b': 'c',
    'ends.in.slash': 'x\\',
  });
});

test('a variable takes precedence over the file', () => {
  const { values, errors, warnings } = readStaticConfig({
    properties: 'num.partitions=4\nlog.retention.hours=2',
    environment: { KAFKA_NUM_PARTITIONS: ' 6 ', HOME: '/root' },
  });
  expect(values).toEqual({ 'num.partitions': '6', 'log.retention.hours': '2' });
  expect([...errors, ...warnings]).toEqual([]);
});

test('an unsupported property is named, and a bad value is reported with the expected one, the seen one and the place', () => {
  const { values, errors, warnings } = readStaticConfig({
    properties: 'zookeeper.connect=x\nlog.preallocate=true',
    environment: { KAFKA_NUM_PARTITIONS: 'many' },
  });
  expect(warnings).toEqual([
    'zookeeper.connect (properties file) is not supported and has no effect',
    expect.stringContaining('log.preallocate (properties file) has no effect here'),
  ]);
  expect(errors).toEqual(['num.partitions: expected a whole number of 32 bits, seen "many" (KAFKA_NUM_PARTITIONS)']);
  expect(values).toEqual({ 'log.preallocate': 'true' });
});
