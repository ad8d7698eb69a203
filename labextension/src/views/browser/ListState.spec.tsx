import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import type { BrowserModel } from '../../list/browser';
import { trans } from '../../testing/fakes';
import type { IBrowserActions } from '../actions';
import { ListState } from './ListState';

function show(connection: string) {
  const actions = { settings: vi.fn(), testConnection: vi.fn(), refresh: vi.fn() };
  const error = new ApiError('StoreUnreachable', 'The S3 store cannot be reached.', 502);
  const model = { loading: false, hasMore: false, error, connection } as unknown as BrowserModel;
  render(<ListState model={model} actions={actions as unknown as IBrowserActions} trans={trans} />);
  return actions;
}

describe('ListState', () => {
  it.each(['', 'archive'])(
    'offers a test of the connection “%s” that does not work',
    async name => {
      const actions = show(name);
      await userEvent.click(screen.getByRole('button', { name: 'Test Connection…' }));
      expect(actions.testConnection).toHaveBeenCalledWith(name || 'default');
    }
  );

  it('offers the settings, which are those of the default connection, only for it', () => {
    show('');
    expect(screen.queryByRole('button', { name: 'Open Settings' })).not.toBeNull();
  });

  it('does not offer the settings for a named connection', () => {
    show('archive');
    expect(screen.queryByRole('button', { name: 'Open Settings' })).toBeNull();
  });
});
