import { parseBearer } from './sasl-bearer.ts';

const parsed = (text: string) => parseBearer(Buffer.from(text.replaceAll('^', '\x01')));

test('the token, the authorization id and extensions are read', () => {
  expect(parsed('n,,^auth=Bearer a.b-_c==^^')).toEqual({ token: 'a.b-_c==', authorizationId: '' });
  expect(parsed('n,a=t=2C1=3D,^auth=bearer  a^logicalCluster=lkc-1^^')).toEqual({
    token: 'a',
    authorizationId: 't,1=',
  });
});

test.each([
  ['', 'it is malformed'],
  ['n,,', 'it is malformed'],
  ['n,,^', 'it is malformed'],
  ['y,,^auth=Bearer a^^', 'it is malformed'],
  ['n,a=t=1,^auth=Bearer a^^', 'it is malformed'],
  ['n,,^auth=Bearer a^', 'it is malformed'],
  ['n,,^^', 'a pair of it is malformed'],
  ['n,,^auth=^^', 'a pair of it is malformed'],
  ['n,,^a1=b^^', 'a pair of it is malformed'],
  ['n,,^host=b^^', "'auth' not specified"],
  ['n,,^auth=Basic YTpi^^', "invalid 'auth' format"],
  ['n,,^auth=Bearer^^', "invalid 'auth' format"],
  ['n,,^auth=Bearer a b^^', "invalid 'auth' format"],
  [`n,,^auth=Bearer ${'a'.repeat(500_000)}!^^`, "invalid 'auth' format"],
])('a message that is none is refused: %.40j', (text, reason) => {
  expect(() => parsed(text)).toThrow(`Invalid OAUTHBEARER client first message: ${reason}`);
});
