// Who a client is: a type and a name, written as Kafka writes it, `User:alice` (KafkaPrincipal).

export interface Principal {
  readonly type: string;
  readonly name: string;
}

const USER = 'User';

export const userPrincipal = (name: string): Principal => ({ type: USER, name });

/** Who has not authenticated. */
export const ANONYMOUS = userPrincipal('ANONYMOUS');

/** Stands for every user in an ACL. */
export const EVERY_USER = 'User:*';

export const principalName = ({ type, name }: Principal): string => `${type}:${name}`;

/** `User:alice`, or undefined for a text of another form. The name may itself hold colons. */
export function parsePrincipal(text: string): Principal | undefined {
  const colon = text.indexOf(':');
  return colon > 0 && colon < text.length - 1 ? { type: text.slice(0, colon), name: text.slice(colon + 1) } : undefined;
}
