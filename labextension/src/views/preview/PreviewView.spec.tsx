import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { PreviewModel } from '../../preview/previewmodel';
import { trans } from '../../testing/fakes';
import {
  archivePreview,
  binaryPreview,
  imagePreview,
  notebookPreview,
  pdfPreview,
  tablePreview,
  tensorsPreview,
  textPreview
} from '../../testing/previews';
import type { Preview } from '../../tokens';
import { PreviewView, type IPreviewActions } from './PreviewView';

describe('PreviewView', () => {
  const taken = vi.fn();
  const renderers = {
    code: vi.fn((node: HTMLElement, text: string) => {
      node.textContent = `code: ${text}`;
      return taken;
    }),
    markdown: vi.fn((node: HTMLElement, text: string) => {
      node.textContent = `markdown: ${text}`;
      return taken;
    }),
    viewUrl: () => '/view',
    pdfUrl: vi.fn(async () => 'blob:pdf'),
    sizeLimit: () => 1000
  };
  const edit = vi.fn();
  const show = async (preview: Preview | ApiError, more: Partial<IPreviewActions> = {}) => {
    const getPreview = vi.fn(async () => {
      if (preview instanceof ApiError) {
        throw preview;
      }
      return preview;
    });
    const model = new PreviewModel(
      { getPreview, headObject: async () => null },
      { bucket: 'b', key: 'd/name.x' }
    );
    const actions: IPreviewActions = {
      downloadUrl: () => '/download',
      copyUri: vi.fn(),
      edit,
      fits: () => true,
      ...more
    };
    render(<PreviewView {...{ model, actions, renderers, trans }} />);
    await model.load();
    await waitFor(() => expect(screen.queryByText('Loading…')).toBeNull());
    return { model, getPreview };
  };

  it('shows the object, and what is missing from the preview', async () => {
    await show(textPreview({ note: 'Cut here.', bytesRead: 512 }));
    screen.getByText('code: hello');
    screen.getByText('plain text · utf-8 · x/y · 1000 bytes · 512 B read');
    expect(screen.getByRole('note').textContent).toBe('Cut here.');
    expect(screen.getByRole('link', { name: 'Download' }).getAttribute('href')).toBe('/download');
  });

  it('explains why no editor opens compressed or non-UTF-8 objects', async () => {
    await show(textPreview({ compression: 'gzip' }));
    screen.getByText(/^plain text · utf-8 · gzip · x\/y/);
    const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });
    expect(button('Compressed with gzip, so an editor would damage it').disabled).toBe(true);
    cleanup();
    await show(textPreview({ encoding: 'shift_jis' }));
    expect(button('Not UTF-8 text, so an editor would damage it').disabled).toBe(true);
    cleanup();
    await show(tablePreview({ format: 'csv', metadata: { encoding: 'gb18030' } }));
    expect(button('Not UTF-8 text, so an editor would damage it').disabled).toBe(true);
    cleanup();
    await show(tablePreview({ format: 'csv', metadata: { encoding: 'utf-8' } }));
    expect(button('Open in Editor').disabled).toBe(false);
  });

  it('shows Markdown rendered and as source', async () => {
    await show(textPreview({ language: 'markdown', text: '# T' }));
    screen.getByText('markdown: # T');
    taken.mockClear();
    fireEvent.click(screen.getByRole('button', { name: 'Show Source' }));
    screen.getByText('code: # T');
    expect(taken).toHaveBeenCalledTimes(1);
  });

  it('shows a table with cells formatted by type', async () => {
    await show(tablePreview());
    const [head, first, second] = screen.getAllByRole('row');
    expect(within(head).getAllByRole('columnheader')[1].textContent).toBe('idint64');
    expect(within(first).getByText('one')).toBeTruthy();
    expect(within(second).getByText('null').className).toBe('odhtec-mod-null');
    screen.getByText('2 of 5000 rows · 2 columns · 3 row groups');
    expect(screen.getByRole('region', { name: 'Rows' }).tabIndex).toBe(0);
  });

  it('sums up a model and finds its tensors by name', async () => {
    await show(tensorsPreview());
    screen.getByText('7.0 B parameters');
    fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'BIAS' } });
    await waitFor(() => expect(screen.queryByText('model.embed.weight')).toBeNull());
    screen.getByText('model.norm.bias');
    screen.getByText('scalar');
  });

  it('shows the other kinds', async () => {
    await show(binaryPreview);
    screen.getByText(/^00000000 00 ff/);
    await show(archivePreview);
    screen.getByText('1 entry · 2.0 kB uncompressed');
    await show(notebookPreview);
    screen.getByText('markdown: # Title');
    screen.getByText('print(1)');
    screen.getByText('The first 2 of 9 cells, shortened.');
    await show(imagePreview);
    fireEvent.error(screen.getByRole('img', { name: 'name.x' }));
    screen.getByText('The browser cannot show this image.');
  });

  it('loads a document only below the limit', async () => {
    await show(pdfPreview);
    expect((await screen.findByTitle('name.x')).getAttribute('src')).toBe('blob:pdf');
    renderers.pdfUrl.mockClear();
    await show({ ...pdfPreview, size: 1001 });
    screen.getByText(/larger than 1.0 kB/);
    expect(renderers.pdfUrl).not.toHaveBeenCalled();
  });

  it('explains why the object cannot be read, and retries', async () => {
    const { getPreview } = await show(new ApiError('NoSuchKey', 'd/name.x is not in b.', 404));
    expect(screen.getByRole('alert').textContent).toContain('d/name.x is not in b.');
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(getPreview).toHaveBeenCalledTimes(2));
  });

  it('says when the object has changed or was deleted', async () => {
    const { model } = await show(textPreview());
    await model.check();
    await screen.findByText('The object has been deleted since it was read.');
  });

  it('offers an editor only if one can open the object', async () => {
    await show(textPreview());
    fireEvent.click(screen.getByRole('button', { name: 'Open in Editor' }));
    expect(edit).toHaveBeenCalledWith(1000);
    await show(imagePreview, { edit: null });
    await show(pdfPreview);
    await show(tablePreview());
    expect(screen.getAllByRole('button', { name: 'Open in Editor' })).toHaveLength(1);
    await show(imagePreview, { fits: () => false });
    const large = screen.getByRole('button', { name: /^Larger than the size limit/ });
    expect((large as HTMLButtonElement).disabled).toBe(true);
  });
});
