// `milepost secrets`: what the chart's Job runs before an install and an upgrade, and its CronJob later: the Secrets that nobody has
// given (release-secrets.ts) are made once and then remain.
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { KubernetesSecrets } from './kubernetes-secrets.ts';
import { makeSecrets } from './release-secrets.ts';

const USAGE = `usage: milepost secrets [--authority SECRET --certificate SECRET --name NAME...] [--admin SECRET]
  --authority SECRET    an authority of our own: ca.crt, ca.key
  --certificate SECRET  its certificate, renewed when a third of its time is left: tls.crt, tls.key, ca.crt
  --name NAME           a DNS name or an address in that certificate
  --admin SECRET        the password of the first admin: password
  --account FOLDER      token, ca.crt and namespace of this pod's account
In a pod on Kubernetes, whose account may create Secrets, and read and update those.`;

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const HOST_NAME = /^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$/;

export async function secrets(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const { account, ...wanted } = wishes(args);
  const store = new KubernetesSecrets(account, process.env);
  for (const [name, outcome] of await makeSecrets(store, wanted))
    process.stdout.write(`Secret ${store.namespace}/${name}: ${outcome}\n`);
}

function wishes(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    authority: text,
    certificate: text,
    admin: text,
    account: { ...text, default: ACCOUNT },
    name: { ...text, multiple: true },
  } as const;
  const {
    authority,
    certificate,
    admin,
    account,
    name: names = [],
  } = parsed(() => parseArgs({ args: [...args], options, strict: true }));
  for (const [option, name] of Object.entries({ authority, certificate, admin }))
    if (name !== undefined && !SECRET_NAME.test(name))
      throw new Error(`--${option}: expected the name of a Secret, got "${name}"`);
  const wrong = names.find((name) => isIP(name) === 0 && !HOST_NAME.test(name));
  if (wrong !== undefined) throw new Error(`--name: expected a DNS name or an address, got "${wrong}"`);
  const isOfCertificate = [authority !== undefined, certificate !== undefined, names.length > 0];
  if (isOfCertificate.includes(true) && isOfCertificate.includes(false))
    throw new Error('expected --authority, --certificate and --name together, or none of them');
  if (certificate === undefined && admin === undefined) throw new Error(USAGE);
  return { authority, certificate, admin, account, names };
}

function parsed<Values>(parse: () => { readonly values: Values }): Values {
  try {
    return parse().values;
  } catch {
    throw new Error(USAGE);
  }
}
