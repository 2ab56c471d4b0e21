// The authorizer of Kafka's properties: authorizer.class.name, super.users, allow.everyone.if.no.acl.found.
import { type BrokerConfigLayers, brokerFlag, brokerValue } from '@milepost/metadata';
import { type AuthorizerOptions, parsePrincipal, principalName, userPrincipal } from '@milepost/security';
import { SecuritySettingsRefused } from './refused.ts';

/**
 * Undefined: there is no authorizer. The administrator of the settings is a super user (decision 51).
 * @throws SecuritySettingsRefused
 */
export function authorizerSettings(
  layers: BrokerConfigLayers,
  administrator: string | undefined,
): AuthorizerOptions | undefined {
  if (!brokerValue(layers, 'authorizer.class.name')) return undefined;
  const superUsers = new Set(superUsersIn(brokerValue(layers, 'super.users') ?? ''));
  if (administrator !== undefined) superUsers.add(principalName(userPrincipal(administrator)));
  return { superUsers, allowIfNoAcl: brokerFlag(layers, 'allow.everyone.if.no.acl.found') };
}

/** Separated by semicolons, since a distinguished name has commas. */
function superUsersIn(text: string): string[] {
  const names = text
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const bad = names.find((name) => !parsePrincipal(name));
  if (bad === undefined) return names;
  throw new SecuritySettingsRefused(`super.users: expected User:name;User:name, seen "${bad}"`);
}
