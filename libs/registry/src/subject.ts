// The names of subjects. A context of Confluent's registry is part of the name (`:.context:subject`): there are none here, and a
// name that has one is refused instead of being taken for an ordinary subject.
import { refusal } from './refusal.ts';

const LONGEST = 1_000;

/** @throws RegistryRefusal */
export function checkSubject(subject: string): void {
  if (subject.startsWith(':.') || subject.startsWith(':*:'))
    throw refusal.invalidSubject(subject, 'contexts are not supported; expected a name without one');
  if (subject === '' || subject.length > LONGEST)
    throw refusal.invalidSubject(subject.slice(0, 80), `expected 1 to ${LONGEST} characters`);
  if (subject === '__GLOBAL' || subject === '__EMPTY') throw refusal.invalidSubject(subject, 'the name is reserved');
  for (const character of subject)
    if (character.charCodeAt(0) < 0x20) throw refusal.invalidSubject(JSON.stringify(subject), 'control characters');
}
