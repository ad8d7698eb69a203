import { Notification } from '@jupyterlab/apputils';
import { render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, it, vi } from 'vitest';

import { ApiError } from './api/request';
import { TransferNotifications } from './lab/transfers/notifications';
import { trans } from './testing/fakes';
import { transfer } from './testing/fakes';

const NAME = 'invoice\u202egnp.exe';
const SHOWN = 'invoice\\u{202E}gnp.exe';

function Wrapped({ children }: { children: ReactNode }): JSX.Element {
  return <>{children}</>;
}

it('shows invisible characters in all texts and attributes of views', () => {
  const { container } = render(
    <div title={`1\n${NAME}`} aria-label={NAME} data-prefix={NAME}>
      {NAME} and {NAME}
      <Wrapped>{NAME}</Wrapped>
      <pre>{`1\n${NAME}`}</pre>
      <img alt={NAME} />
      <input defaultValue={NAME} placeholder={NAME} />
    </div>
  );
  expect(container.textContent).toBe(`${SHOWN} and ${SHOWN}${SHOWN}1\n${SHOWN}`);
  const [root] = container.children;
  expect(root.getAttribute('title')).toBe(`1\n${SHOWN}`);
  expect(root.getAttribute('aria-label')).toBe(SHOWN);
  screen.getByAltText(SHOWN);
  // Actions use the real name.
  expect(root.getAttribute('data-prefix')).toBe(NAME);
  expect((screen.getByPlaceholderText(SHOWN) as HTMLInputElement).value).toBe(NAME);
});

it('shows them in translations, errors and notifications', () => {
  expect(trans.__('Delete %1?', NAME)).toBe(`Delete ${SHOWN}?`);
  expect(trans._n('%1 item of %2', '%1 items of %2', 2, NAME)).toBe(`2 items of ${SHOWN}`);
  expect(new ApiError('NoSuchKey', `There is no ${NAME}.`, 404).message).toContain(SHOWN);
  const success = vi.spyOn(Notification, 'success').mockReturnValue('');
  const notifications = new TransferNotifications({
    isWanted: () => true,
    show: () => undefined,
    retryTransfer: () => undefined,
    retryUpload: () => undefined,
    trans
  });
  notifications.transferEnded(transfer({ source: `s3://b/${NAME}`, state: 'completed' }));
  expect(success.mock.lastCall![0]).toContain(`s3://b/${SHOWN}`);
});
