import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { trans } from '../../testing/fakes';
import { SettingsSection, type ISettingsSectionProps } from './SettingsSection';

describe('SettingsSection', () => {
  const save = vi.fn<ISettingsSectionProps['save']>();
  const test = vi.fn<NonNullable<ISettingsSectionProps['test']>>();
  const user = userEvent.setup();

  beforeEach(async () => {
    save.mockReset().mockResolvedValue();
    test.mockReset().mockResolvedValue('Connected.');
    const load = async () => ({
      values: { endpoint: 'https://one' },
      fields: [
        { name: 'endpoint', label: 'Endpoint' },
        { name: 'secret', label: 'Secret', secret: { isSet: true } }
      ]
    });
    render(<SettingsSection title="S3" {...{ load, save, test, trans }} />);
    await screen.findByLabelText('Endpoint');
  });

  it('sends only what was changed: a blank secret is kept', async () => {
    const input = screen.getByLabelText('Endpoint');
    await user.clear(input);
    await user.type(input, 'https://two');
    await user.type(screen.getByLabelText('Secret'), 'x{Backspace}');
    await user.click(screen.getByRole('button', { name: 'Save' }));
    expect(save).toHaveBeenCalledWith({ endpoint: 'https://two' });
  });

  it('clears a secret only on request', async () => {
    await user.click(screen.getByRole('button', { name: 'Remove Secret' }));
    await user.click(screen.getByRole('button', { name: 'Save' }));
    expect(save).toHaveBeenCalledWith({ secret: '' });
  });

  it('tests the form’s values, and shows the server’s reply', async () => {
    await user.type(screen.getByLabelText('Secret'), 'new');
    await user.click(screen.getByRole('button', { name: 'Test' }));
    expect(test).toHaveBeenCalledWith({ secret: 'new' });
    expect(await screen.findByText('Connected.')).toBeTruthy();
    test.mockRejectedValue(new ApiError('AccessDenied', 'Wrong key.', 403));
    await user.click(screen.getByRole('button', { name: 'Test' }));
    expect(await screen.findByText('Wrong key.')).toBeTruthy();
    expect(save).not.toHaveBeenCalled();
  });
});
