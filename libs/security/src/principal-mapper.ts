// Maps the distinguished name of a certificate to the name of a user: `ssl.principal.mapping.rules` (KIP-371), by Kafka's
// rules. The rules are separated by commas. A rule is `RULE:pattern/replacement/`, optionally followed by `L` or `U` for lower
// or upper case, or `DEFAULT` for the distinguished name itself. The first rule whose pattern matches the whole name applies.
import { RE2JS } from 're2js';

type Rule = (distinguishedName: string) => string | undefined;

/** A rule that cannot be parsed. */
export class MappingRuleRefused extends Error {
  override readonly name = 'MappingRuleRefused';
}

const RULE =
  /\s*(?:(?<plain>DEFAULT)|RULE:(?<pattern>(?:\\.|[^\\/])*)\/(?<replacement>(?:\\.|[^\\/])*)\/(?<letters>[LU]?))\s*(?:,|$)/y;

export class PrincipalMapper {
  readonly #rules: readonly Rule[];

  /** @throws MappingRuleRefused */
  constructor(rules = 'DEFAULT') {
    this.#rules = parse(rules);
  }

  /** Undefined if no rule matches: the client is refused. */
  nameOf(distinguishedName: string): string | undefined {
    for (const rule of this.#rules) {
      const name = rule(distinguishedName);
      if (name !== undefined) return name;
    }
    return undefined;
  }
}

function parse(text: string): Rule[] {
  const rules: Rule[] = [];
  for (RULE.lastIndex = 0; RULE.lastIndex < text.trimEnd().length; ) {
    const at = RULE.lastIndex;
    const groups = RULE.exec(text)?.groups;
    if (!groups)
      throw new MappingRuleRefused(
        `ssl.principal.mapping.rules: "${text.slice(at).trim()}" is no rule: expected DEFAULT or RULE:pattern/replacement/[LU]`,
      );
    const { plain, pattern = '', replacement = '', letters = '' } = groups;
    rules.push(plain ? (name) => name : mapping(pattern, replacement, letters));
  }
  return rules;
}

/** RE2 matches in linear time: the name comes from a client that is not trusted yet. */
function mapping(pattern: string, replacement: string, letters: string): Rule {
  const compiled = compile(pattern);
  return (distinguishedName) => {
    const matcher = compiled.matcher(distinguishedName);
    if (!matcher.matches()) return undefined;
    const name = replacement.replace(/\\(.)|\$(\d+)/g, (_all, escaped: string | undefined, digits: string) => {
      if (escaped !== undefined) return escaped;
      const { group, rest } = groupOf(digits, matcher.groupCount());
      return group === undefined ? `$${digits}` : `${matcher.group(group) ?? ''}${rest}`;
    });
    if (letters === 'L') return name.toLowerCase();
    return letters === 'U' ? name.toUpperCase() : name;
  };
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (failure) {
    throw new MappingRuleRefused(
      `ssl.principal.mapping.rules: "${pattern}" is no pattern: ${(failure as Error).message}`,
    );
  }
}

/** As in Java: the longest prefix of the digits that is a group's number; the remaining digits are literal. */
function groupOf(digits: string, groups: number): { readonly group: number | undefined; readonly rest: string } {
  for (let length = digits.length; length > 0; length--) {
    const group = Number(digits.slice(0, length));
    if (group <= groups) return { group, rest: digits.slice(length) };
  }
  return { group: undefined, rest: '' };
}
