// The compact roads are built from the network of geojson-path-finder, when first needed, and cached beside other files
// that can be rebuilt. The caller passes its file system, so that this library touches none by itself.
import { compactRoads, roadsFormat } from './compact.ts';

/** The few calls of node:fs that are needed. */
export interface FileCalls {
  existsSync(path: string): boolean;
  readFileSync(path: string, encoding: 'utf8'): string;
  mkdirSync(path: string, options: { recursive: true }): unknown;
  writeFileSync(path: string, text: string): void;
  renameSync(from: string, to: string): void;
}

/** The compact text. A cache folder that cannot be written costs 0.5 s at each start and nothing else. */
export function cachedRoads(files: FileCalls, networkPath: string, cacheFolder: string, tag: string): string {
  const kept = `${cacheFolder}/gothenburg.v${roadsFormat}.json`;
  if (files.existsSync(kept)) return files.readFileSync(kept, 'utf8');
  const text = compactRoads(files.readFileSync(networkPath, 'utf8'));
  try {
    files.mkdirSync(cacheFolder, { recursive: true });
    files.writeFileSync(`${kept}.${tag}`, text); // renamed when complete: two programs may build it at the same time
    files.renameSync(`${kept}.${tag}`, kept);
  } catch {
    // Read-only installation: the text is usable nevertheless.
  }
  return text;
}
