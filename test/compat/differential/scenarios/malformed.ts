// Malformed requests: whether they get a response, or the connection is closed.
import { apis } from '@milepost/wire';
import { request } from '../frames.ts';
import type { Scenario } from '../stage.ts';

const METADATA = 3;

export const malformed: readonly Scenario[] = [
  {
    name: 'malformed/frames',
    async play(on) {
      await on.raw('nothing in it', Buffer.alloc(0));
      await on.raw('one byte', Buffer.of(0));
      await on.raw('a key and no more', Buffer.of(0, 3));
      await on.raw('a length below zero', Buffer.from('ffffffff', 'hex'), { isWhole: true });
      await on.raw('a length above the limit', Buffer.from('7fffffff0003', 'hex'), { isWhole: true });
      await on.raw('a length of the limit, and silence', Buffer.from('064000000003', 'hex'), {
        isWhole: true,
        waitMs: 1_000,
      });
      await on.raw('HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), { isWhole: true });
      await on.raw('TLS', Buffer.from('16030100f8010000f40303', 'hex'), { isWhole: true });
    },
  },
  {
    name: 'malformed/headers',
    async play(on) {
      await on.raw('no client id', Buffer.from('0003 0001 00000007 ffff 00000000'.replaceAll(' ', ''), 'hex'));
      await on.raw('a client id longer than the frame', Buffer.from('0003000100000007001061', 'hex'));
      await on.raw(
        'a client id of length -2',
        Buffer.from('0003 0001 00000007 fffe 00000000'.replaceAll(' ', ''), 'hex'),
      );
      await on.raw('an API that no one knows', request(9999, 0, ''));
      await on.raw('an API below zero', request(-1, 0, ''));
      await on.raw('an API between brokers', request(4, 7, ''));
      await on.raw('tags out of order', request(METADATA, 12, '02 0501 00 0401 00 01 00 00 00'));
      await on.raw('an unknown tag in the header', request(METADATA, 12, '01 0501 00 01 00 00 00'));
    },
  },
  {
    name: 'malformed/bodies',
    async play(on) {
      await on.raw('an array longer than the frame', request(METADATA, 1, '7fffffff'));
      await on.raw('a compact array longer than the frame', request(METADATA, 12, '00 ffffffff07 00'));
      await on.raw('a varint of six bytes', request(METADATA, 12, '00 ffffffffffff01'));
      await on.raw('a text longer than the frame', request(METADATA, 1, '00000001 0010 61'));
      await on.raw('a null text where none may be', request(METADATA, 1, '00000001 ffff'));
      await on.raw('text that is not UTF-8', request(METADATA, 1, '00000001 0002 c328'));
      await on.raw('cut in the middle', request(METADATA, 4, '00000000'));
      await on.raw('bytes after the end', request(METADATA, 1, '00000000 00112233'));
      await on.raw('bytes after the end, flexible', request(METADATA, 12, '00 01 00 00 00 ffff'));
      await on.raw('an unknown tag in the body', request(METADATA, 12, '00 01 00 00 01 07 02 0000'));
      await on.raw('a bool of 2', request(METADATA, 4, '00000000 02'));
    },
  },
  {
    name: 'malformed/versions beyond the range',
    async play(on) {
      const others = apis.filter(({ name }) => name !== 'ApiVersions');
      await Promise.all(
        others.flatMap(({ name, key, oldest, newest }) => [
          on.raw(`${name}, newest + 1`, request(key, newest + 1, '00')),
          ...(oldest > 0 ? [on.raw(`${name}, oldest - 1`, request(key, oldest - 1, ''))] : []),
        ]),
      );
    },
  },
  {
    name: 'malformed/half of each request',
    async play(on) {
      // Three bytes that announce more than there is, in every reading.
      await Promise.all(apis.map(({ name, key, newest }) => on.raw(name, request(key, newest, '00 05 61'))));
    },
  },
];
