import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the certificate ends that a device presented last. */
export class DeviceCertificates1764350000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE devices ADD certificate_ends timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE devices DROP certificate_ends');
  }
}
