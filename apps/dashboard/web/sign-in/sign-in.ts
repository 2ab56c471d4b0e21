// Signing in, by a password or by an identity provider, and changing a password that somebody else gave. The password is retained nowhere but in this page until then.
import type { ProviderProblem, SignInWays } from '../../src/views.ts';
import { read, send } from '../api.ts';
import { byId } from '../dom.ts';
import { applyStoredTheme } from '../theme.ts';

const signIn = byId('sign-in', HTMLFormElement);
const newPassword = byId('new-password', HTMLFormElement);
const problem = byId('problem');
/** With the view of the address that was opened. */
const map = new URL(`../${location.hash}`, document.baseURI);

const PROBLEMS: ReadonlyMap<string, string> = new Map<ProviderProblem, string>([
  ['provider', 'Your organization could not sign you in. Try again, or ask who runs this map: its log has the reason.'],
  ['no-role', 'Your organization knows you, but you have no role here. Ask who runs this map.'],
]);

let password = '';

applyStoredTheme();
void read<SignInWays>('../api/session/ways').then(
  ({ provider }) => (byId('provider').hidden = !provider),
  () => {}, // the server says more when somebody signs in
);
const cameBack = new URLSearchParams(location.search).get('problem');
if (cameBack !== null) show(PROBLEMS.get(cameBack) ?? '');
signIn.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(signIn, async (fields) => {
    const { mustChangePassword } = await send<{ readonly mustChangePassword: boolean }>('POST', '../api/session', {
      username: fields['username'],
      password: fields['password'],
    });
    if (!mustChangePassword) return location.replace(map);
    password = fields['password'] ?? '';
    signIn.hidden = true;
    newPassword.hidden = false;
    newPassword.querySelector('input')?.focus();
  });
});
newPassword.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(newPassword, async (fields) => {
    const { newPassword: chosen, again } = fields;
    if (chosen !== again) throw new Error('The two new passwords differ.');
    await send('PUT', '../api/session/password', { password, newPassword: chosen });
    location.replace(map);
  });
});

type Fields = Readonly<Record<string, string | undefined>>;

async function attempt(form: HTMLFormElement, work: (fields: Fields) => Promise<void>): Promise<void> {
  const button = form.querySelector('button');
  problem.hidden = true;
  button?.setAttribute('disabled', '');
  try {
    await work(Object.fromEntries(new FormData(form)) as Fields); // no field is a file
  } catch (error) {
    show(sentence((error as Error).message));
  } finally {
    button?.removeAttribute('disabled');
  }
}

function show(text: string): void {
  problem.textContent = text;
  problem.hidden = text === '';
}

function sentence(text: string): string {
  const full = text.endsWith('.') ? text : `${text}.`;
  return full.charAt(0).toUpperCase() + full.slice(1);
}
