import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{apps,libs,test}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/(interop|cluster|fault|bench|simulation/planted)/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: { '^@milepost/([^/]+)$': '<rootDir>/libs/$1/src/index.ts' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.toolchain', '<rootDir>/data'],
  cacheDirectory: '<rootDir>/.cache/jest',
  testSequencer: '<rootDir>/tools/test-order.mjs',
  // What hangs fails, however late. No test may fail because its machine is slow, or stands still for some seconds.
  testTimeout: 300_000,
  // More than cores: the tests of whole programs wait most of the time. (Beyond 100% jest takes a percentage for a count.)
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
};
