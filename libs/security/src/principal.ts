// The identity of a client: a type and a name, in Kafka's notation `User:alice` (KafkaPrincipal).

export interface Principal {
  readonly type: string;
  readonly name: string;
}

const USER = 'User';

export const userPrincipal = (name: string): Principal => ({ type: USER, name });

/** A client that has not authenticated. */
export const ANONYMOUS = userPrincipal('ANONYMOUS');

/** In an ACL: every user. */
export const EVERY_USER = 'User:*';

export const principalName = ({ type, name }: Principal): string => `${type}:${name}`;

/** Parses `User:alice`; undefined for any other text. The name may contain colons. */
export function parsePrincipal(text: string): Principal | undefined {
  const colon = text.indexOf(':');
  return colon > 0 && colon < text.length - 1 ? { type: text.slice(0, colon), name: text.slice(colon + 1) } : undefined;
}
