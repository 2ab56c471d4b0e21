// Users that a broker stores at its start: the first administrator, so that somebody can log in and create the others.
import type { KeyDerivation, Random } from '@milepost/core';
import type { ClusterImage, MetadataChange, StoredScramCredential } from '@milepost/metadata';
import {
  isPasswordOf,
  LEAST_ITERATIONS,
  SCRAM_MECHANISMS,
  scramCredential,
  type ScramMechanism,
  unpredictable,
} from '@milepost/security';
import { decoded, encoded } from './credentials.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * The changes to store, to be made on the image at the time: the administrator's credentials if those of `image` do not fit
 * the password, and the secret of decoys if there is none.
 */
export async function usersAtStart(
  image: ClusterImage,
  admin: Login | undefined,
  { keys, random }: { readonly keys: KeyDerivation; readonly random: Random },
): Promise<(of: ClusterImage) => MetadataChange[]> {
  const secret = Buffer.from(unpredictable(random)).toString('base64');
  const adminChange = admin && (await adminIfChanged(image, admin, { keys, random }));
  return ({ decoySecret }) => [
    ...(decoySecret === null ? [{ type: 'decoy-secret-set', secret } as const] : []),
    ...(adminChange ? [adminChange] : []),
  ];
}

async function adminIfChanged(
  { scramUsers }: ClusterImage,
  { username, password }: Login,
  { keys, random }: { readonly keys: KeyDerivation; readonly random: Random },
): Promise<MetadataChange | undefined> {
  const derive: KeyDerivation['pbkdf2'] = (...input) => keys.pbkdf2(...input);
  const stored = scramUsers.get(username);
  const fits = async (mechanism: ScramMechanism): Promise<boolean> => {
    const credential = stored?.[mechanism];
    return credential !== undefined && isPasswordOf(decoded(credential), mechanism, password, derive);
  };
  const checks = await Promise.all(SCRAM_MECHANISMS.map(fits));
  if (checks.every(Boolean)) return undefined;
  const credentials: Partial<Record<ScramMechanism, StoredScramCredential>> = {};
  for (const mechanism of SCRAM_MECHANISMS) {
    // As many iterations as a decoy has, so that their number says nothing.
    const given = { salt: Buffer.from(unpredictable(random), 'hex').subarray(0, 16), iterations: LEAST_ITERATIONS };
    credentials[mechanism] = encoded(await scramCredential(mechanism, password, given, derive));
  }
  return { type: 'scram-user-set', name: username, credentials };
}
