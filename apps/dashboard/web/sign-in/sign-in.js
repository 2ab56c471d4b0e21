// Signing in, and changing a password that somebody else gave. The password is retained nowhere but in this page until then.
const signIn = document.getElementById('sign-in');
const newPassword = document.getElementById('new-password');
const problem = document.getElementById('problem');
const map = new URL('../', document.baseURI);

let password = '';

setUpTheme();
signIn.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(signIn, async ({ username, password: given }) => {
    const { mustChangePassword } = await send('POST', '../api/session', { username, password: given });
    if (!mustChangePassword) return location.replace(map);
    password = given;
    signIn.hidden = true;
    newPassword.hidden = false;
    newPassword.elements.namedItem('newPassword').focus();
  });
});
newPassword.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(newPassword, async ({ newPassword: chosen, again }) => {
    if (chosen !== again) throw new Error('The two new passwords differ.');
    await send('PUT', '../api/session/password', { password, newPassword: chosen });
    location.replace(map);
  });
});

async function attempt(form, work) {
  const button = form.querySelector('button');
  problem.hidden = true;
  button.disabled = true;
  try {
    await work(Object.fromEntries(new FormData(form)));
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

async function send(method, path, body) {
  const request = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(new URL(path, document.baseURI), request);
  const said = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(sentence(said.message ?? `The server answered ${response.status}.`));
  return said;
}

function sentence(text) {
  const full = text.endsWith('.') ? text : `${text}.`;
  return full[0].toUpperCase() + full.slice(1);
}

function setUpTheme() {
  try {
    const theme = localStorage.getItem('milepost.theme');
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is disabled: the system's setting remains.
  }
}
