export * from './bytes.ts';
export * from './error-code.ts';
export * from './ids.ts';
export * from './invariant.ts';
export * from './ports.ts';
export * from './retry.ts';
export * from './silent.ts';
export * from './several.ts';
