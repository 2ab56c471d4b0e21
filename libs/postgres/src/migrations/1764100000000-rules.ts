import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The rules become the user's. An installation that has rules keeps them, in the format of this version; a new one
 * watches for silence. The first rule is inserted here, so that it is inserted once: if its user removes it, no later start
 * brings it back.
 */
export class Rules1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE rules ADD version bigint NOT NULL DEFAULT 0');
    await runner.query(`
      CREATE TABLE rule_changes (
        id smallint CONSTRAINT rule_changes_pkey PRIMARY KEY CONSTRAINT rule_changes_one_row CHECK (id = 1),
        version bigint NOT NULL
      )`);
    await runner.query('INSERT INTO rule_changes VALUES (1, 1)');
    const rows: { id: string; rule: EarlierRule }[] = await runner.query('SELECT id, rule FROM rules');
    for (const { id, rule } of rows)
      await runner.query('UPDATE rules SET rule = $2, version = 1 WHERE id = $1', [
        id,
        JSON.stringify(converted(rule)),
      ]);
    if (rows.length === 0)
      await runner.query('INSERT INTO rules VALUES ($1, $2, 1)', [FIRST_RULE.id, JSON.stringify(FIRST_RULE)]);
  }

  /** The rules of users have no older format. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rule_changes');
    await runner.query('DELETE FROM rules');
    await runner.query('ALTER TABLE rules DROP COLUMN version');
  }
}

/** As it was when this migration was released: a migration does not depend on code that may change. */
const FIRST_RULE = {
  id: 'silence',
  name: 'Silent for a minute',
  enabled: true,
  kind: 'silence',
  trucks: 'all',
  afterSeconds: 60,
};

interface EarlierRule {
  readonly id: string;
  readonly name?: string;
  readonly enabled: boolean;
  readonly kind: string;
  readonly limitKmh?: number;
  readonly afterSeconds?: number;
  readonly area?: {
    readonly box?: { readonly west: number; readonly south: number; readonly east: number; readonly north: number };
    readonly rings?: readonly (readonly (readonly number[])[])[];
  };
}

function converted({ area, ...rule }: EarlierRule): object {
  const coordinates = area?.box ? [ringOf(area.box)] : area?.rings?.map(closed);
  return {
    ...rule,
    name: rule.name ?? rule.id,
    trucks: 'all',
    ...(rule.kind === 'geofence' && { event: 'exit' }),
    ...(coordinates && { area: { type: 'Polygon', coordinates } }),
  };
}

type Box = NonNullable<NonNullable<EarlierRule['area']>['box']>;
const ringOf = ({ east, north, south, west }: Box): number[][] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

const closed = (ring: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  String(ring[0]) === String(ring.at(-1)) ? ring : [...ring, ring[0] ?? []];
