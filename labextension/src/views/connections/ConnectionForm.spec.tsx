import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { ConnectionModel } from '../../forms/connectionmodel';
import { connection, trans } from '../../testing/fakes';
import type { ConnectionRequest } from '../../tokens';
import { ConnectionForm } from './ConnectionForm';

describe('ConnectionForm', () => {
  const add = vi.fn<(what: ConnectionRequest) => Promise<ReturnType<typeof connection>>>();
  const onAdded = vi.fn();

  const fill = async () => {
    const refresh = async () => undefined;
    const model = new ConnectionModel({ presets: [], find: () => undefined, refresh, add });
    render(<ConnectionForm model={model} onAdded={onAdded} onClose={vi.fn()} trans={trans} />);
    await userEvent.type(screen.getByRole('textbox', { name: /^Name/ }), 'archive');
    await userEvent.type(screen.getByRole('textbox', { name: 'Access key ID' }), 'id');
    await userEvent.type(screen.getByLabelText('Secret access key'), 'secret');
  };
  const submit = () => userEvent.click(screen.getByRole('button', { name: 'Add' }));

  it('says before how long the connection is kept, and shows no key', async () => {
    await fill();
    expect(screen.getByText('Kept until the server stops.')).toBeTruthy();
    expect(screen.getByLabelText('Secret access key').getAttribute('type')).toBe('password');
  });

  it("shows the server's error and keeps what was entered", async () => {
    add.mockRejectedValueOnce(new ApiError('BadRequest', 'endpoint: it has no host.', 400));
    await fill();
    await submit();
    expect((await screen.findByRole('alert')).textContent).toBe('endpoint: it has no host.');
    expect(onAdded).not.toHaveBeenCalled();
    expect(screen.getByRole('textbox', { name: /^Name/ })).toHaveProperty('value', 'archive');
  });

  it('reports the connection that was added', async () => {
    const added = connection({ name: 'archive' });
    add.mockResolvedValueOnce(added);
    await fill();
    await submit();
    expect(onAdded).toHaveBeenCalledWith(added);
    expect(add.mock.lastCall![0]).toMatchObject({ name: 'archive', secretAccessKey: 'secret' });
  });
});
