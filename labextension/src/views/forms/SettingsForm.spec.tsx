import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { trans } from '../../testing/fakes';
import { SettingsForm, type ISettingsServer } from './SettingsForm';

describe('SettingsForm', () => {
  const user = userEvent.setup();
  const never = () => new Promise<never>(() => undefined);

  /** Open the form for a server with this limit in bytes per second. */
  const bandwidth = async (maxBandwidth: number) => {
    let saved = { maxBandwidth };
    const setBandwidth = vi.fn<ISettingsServer['setBandwidth']>(async change => (saved = change));
    const server = {
      getS3Settings: never,
      getHubSettings: never,
      getProxySettings: never,
      getConcurrency: never,
      getBandwidth: async () => saved,
      setBandwidth
    } as unknown as ISettingsServer;
    const saving = { onS3Saved: vi.fn(), onConcurrencySaved: vi.fn() };
    render(<SettingsForm {...{ server, trans, ...saving }} />);
    const input = await screen.findByLabelText<HTMLInputElement>(/^Limit for all transfers/);
    const section = within(screen.getByRole('form', { name: 'Bandwidth' }));
    const save = async () => {
      await user.click(section.getByRole('button', { name: 'Save' }));
      await section.findByText(/^Saved/);
    };
    return { input, save, setBandwidth };
  };

  it('sends the bandwidth limit in bytes per second', async () => {
    const { input, save, setBandwidth } = await bandwidth(0);
    expect(input.value).toBe('');
    expect(input.placeholder).toBe('No limit');
    await user.type(input, '12.5');
    await save();
    expect(setBandwidth).toHaveBeenCalledWith({ maxBandwidth: 12_500_000 });
    expect(input.value).toBe('12.5');
    expect(input.validity.valid).toBe(true);
  });

  it.each(['', '0'])('removes the bandwidth limit with %j', async text => {
    const { input, save, setBandwidth } = await bandwidth(20_000_000);
    expect(input.value).toBe('20');
    await user.clear(input);
    if (text) {
      await user.type(input, text);
    }
    await save();
    expect(setBandwidth).toHaveBeenCalledWith({ maxBandwidth: 0 });
    expect(input.value).toBe('');
  });

  it('does not remove the bandwidth limit with a number that is too low', async () => {
    const { input, save, setBandwidth } = await bandwidth(20_000_000);
    await user.clear(input);
    await user.type(input, '0.0000001');
    await save();
    expect(setBandwidth).toHaveBeenCalledWith({ maxBandwidth: 1 });
  });
});
