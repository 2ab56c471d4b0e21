import { OpenFiles } from './open-files.ts';

const file = (where: string) => ({ where });

test('files are found by path and beneath a folder, and removed with the last one that is closed', () => {
  const files = new OpenFiles<{ where: string }>();
  const [one, again, other, near] = ['/d/t-1/a.log', '/d/t-1/a.log', '/d/t-1/sub/b', '/d/t-10/a.log'].map(file);
  for (const each of [one, again, other, near]) files.add(each as { where: string });
  expect([...files.at('/d/t-1/a.log')]).toEqual([one, again]);
  expect(files.beneath('/d/t-1')).toEqual([one, again, other]);
  expect(files.beneath('/d')).toHaveLength(4);

  files.delete(one as { where: string });
  expect(files.beneath('/d/t-1')).toEqual([again, other]);
  files.delete(again as { where: string });
  files.delete(other as { where: string });
  expect(files.beneath('/d/t-1')).toEqual([]);
  expect(files.beneath('/d')).toEqual([near]);
});
