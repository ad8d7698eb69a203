import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';

import { fakeActions, trans, upload } from '../../testing/fakes';
import { UnfinishedRow } from './UnfinishedRow';

it('says how far the upload was, and what to do', async () => {
  const actions = fakeActions();
  const interrupted = upload();
  render(<UnfinishedRow upload={interrupted} actions={actions} trans={trans} />);
  expect(screen.getByText('Upload model.bin')).toBeTruthy();
  expect(
    screen.getByText('Interrupted at 45% · 45 B of 100 B · choose the file again to continue')
  ).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Choose model.bin again' }));
  await userEvent.click(screen.getByRole('button', { name: 'Discard the upload of model.bin' }));
  expect(actions.chooseAgain).toHaveBeenCalledWith(interrupted);
  expect(actions.discardUpload).toHaveBeenCalledWith(interrupted);
});

it('offers only to discard an upload without the file’s date', () => {
  const interrupted = upload({ lastModified: null });
  render(<UnfinishedRow upload={interrupted} actions={fakeActions()} trans={trans} />);
  expect(screen.getAllByRole('button')).toHaveLength(1);
});
