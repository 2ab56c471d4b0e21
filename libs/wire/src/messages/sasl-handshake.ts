// Chooses the SASL mechanism of a connection (KIP-43). After version 0 the tokens follow as bare frames, after version 1 in
// SaslAuthenticate (KIP-152). Never flexible: clients before 2.4 negotiate its versions wrongly (KAFKA-9577).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, string } from '../schema/field.ts';

export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexible: 'never',
  request: { mechanism: string },
  response: { errorCode, mechanisms: array(string) },
});
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>;
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>;
