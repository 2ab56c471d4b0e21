// The open files by path, or all of them beneath a folder, without a scan of all others (a broker of 10,000 partitions
// has 30,000 of them, and renames a folder for each partition that it deletes).
import { dirname } from 'node:path';

export class OpenFiles<File extends { readonly where: string }> {
  readonly #files = new Map<string, Set<File>>();
  /** By folder: the paths in it, of files or of folders, that lead to an open file. */
  readonly #paths = new Map<string, Set<string>>();

  add(file: File): void {
    const there = this.#files.get(file.where);
    if (there) there.add(file);
    else {
      this.#files.set(file.where, new Set([file]));
      this.#lead(file.where);
    }
  }

  delete(file: File): void {
    const there = this.#files.get(file.where);
    if (!there?.delete(file) || there.size > 0) return;
    this.#files.delete(file.where);
    this.#mislead(file.where);
  }

  at(path: string): Iterable<File> {
    return this.#files.get(path) ?? [];
  }

  /** The files at the path, and beneath it if it is a folder. */
  beneath(path: string): File[] {
    const found = [...this.at(path)];
    for (const inside of this.#paths.get(path) ?? []) found.push(...this.beneath(inside));
    return found;
  }

  #lead(path: string): void {
    const folder = dirname(path);
    if (folder === path) return;
    const paths = this.#paths.get(folder);
    if (paths) paths.add(path);
    else {
      this.#paths.set(folder, new Set([path]));
      this.#lead(folder);
    }
  }

  #mislead(path: string): void {
    const folder = dirname(path);
    const paths = this.#paths.get(folder);
    if (!paths?.delete(path) || paths.size > 0) return;
    this.#paths.delete(folder);
    this.#mislead(folder);
  }
}
