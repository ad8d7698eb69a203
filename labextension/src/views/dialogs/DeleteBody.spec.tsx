import { render } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { DeleteModel } from '../../forms/deletemodel';
import type { IRow } from '../../list/rows';
import { Deferred, trans } from '../../testing/fakes';
import type { Usage, VersionList } from '../../tokens';
import { DeleteBody } from './DeleteBody';

const file = (name: string): IRow => ({ kind: 'file', key: name, name, size: 1024 });
const folder: IRow = { kind: 'folder', key: 'a/b/', name: 'b' };

describe('DeleteBody', () => {
  const versions = (versioning: VersionList['versioning']): VersionList => ({
    versioning,
    versions: [],
    nextContinuationToken: null,
    isTruncated: false
  });
  const server = {
    countUsage: vi.fn<DeleteModel.IServer['countUsage']>(),
    listVersions: vi.fn<DeleteModel.IServer['listVersions']>().mockResolvedValue(versions('Off'))
  };
  const show = (rows: IRow[]) => {
    const model = new DeleteModel({ server, bucket: 'x', rows });
    return render(<DeleteBody model={model} trans={trans} />).container;
  };
  const says = (container: HTMLElement, text: RegExp) =>
    vi.waitFor(() => expect(container.textContent).toMatch(text));

  it('names ten rows, counts the rest, and shows the size of files', async () => {
    const container = show(Array.from({ length: 13 }, (_, index) => file(`f${index}`)));
    const lines = [...container.querySelectorAll('li')].map(({ textContent }) => textContent);
    expect(lines).toHaveLength(11);
    expect(lines[9]).toBe('f9 1.0 kB');
    expect(lines[10]).toBe('and 3 more');
    expect(container.textContent).toMatch(/13 objects, 13.3 kB/);
    expect(container.textContent).not.toMatch(/Everything in/);
    await says(container, /does not keep versions. This cannot be undone/);
  });

  it('counts the objects in a folder while the dialog is open', async () => {
    const last = new Deferred<Usage>();
    server.countUsage
      .mockResolvedValueOnce({
        objects: 2,
        bytes: 2048,
        nextContinuationToken: 't',
        isTruncated: true
      })
      .mockReturnValueOnce(last.promise);
    const container = show([folder]);
    expect(container.textContent).toMatch(/^b\/Everything in the folder is deleted/);
    await says(container, /2 objects, 2.0 kB so far; counting… You can delete now/);
    last.resolve({ objects: 1, bytes: 0, nextContinuationToken: null, isTruncated: false });
    await says(container, /3 objects, 2.0 kB(?! so far)/);
  });

  it('shows “at least” if counting fails', async () => {
    server.countUsage.mockRejectedValueOnce(new Error('Access denied.'));
    await says(show([folder]), /At least 0 objects, 0 B. Counting failed: Access denied./);
  });

  it.each([
    ['Enabled', /a delete marker hides each object, which can be restored/],
    ['Suspended', /older versions are kept, but anything written since then is lost/],
    ['Unknown', /This cannot be undone/]
  ] as const)('explains versions: %s', async (versioning, text) => {
    server.listVersions.mockResolvedValueOnce(versions(versioning));
    await says(show([file('f')]), text);
  });
});
