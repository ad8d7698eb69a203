import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { trans, transfer, upload } from '../../testing/fakes';
import { LabActions } from './labactions';

describe('LabActions', () => {
  const transfers = { resume: vi.fn(async () => undefined) };
  const uploads = { resumeInterrupted: vi.fn() };
  const unfinished = { discard: vi.fn(async () => undefined) };
  const dialogs = { askToken: vi.fn(), confirmDiscard: vi.fn(), showError: vi.fn() };
  const options = { transfers, uploads, unfinished, dialogs, trans };
  const actions = new LabActions(options as unknown as LabActions.IOptions);
  const settle = () => new Promise(resolve => setTimeout(resolve));
  let chosen: File;

  beforeEach(() => {
    vi.clearAllMocks();
    // A file chooser that is answered immediately.
    vi.spyOn(HTMLInputElement.prototype, 'click').mockImplementation(function (
      this: HTMLInputElement
    ) {
      Object.defineProperty(this, 'files', { value: [chosen] });
      this.dispatchEvent(new Event('change'));
    });
  });

  afterEach(() => vi.restoreAllMocks());

  it('asks for a token only if one is needed, and does nothing without it', async () => {
    actions.resumeTransfer(transfer({ state: 'paused' }));
    await settle();
    expect(transfers.resume.mock.calls).toEqual([['t1']]);
    expect(dialogs.askToken).not.toHaveBeenCalled();

    const waiting = transfer({ state: 'paused', needs: 'token' });
    dialogs.askToken.mockResolvedValueOnce(null);
    actions.resumeTransfer(waiting);
    await settle();
    expect(transfers.resume).toHaveBeenCalledTimes(1);

    dialogs.askToken.mockResolvedValueOnce('hf_secret');
    actions.resumeTransfer(waiting);
    await settle();
    expect(transfers.resume.mock.calls[1]).toEqual(['t1', 'hf_secret']);
  });

  it('continues an interrupted upload only with the same file', () => {
    const serverUpload = upload({ key: 'a/model.bin', size: 3, lastModified: 5 });
    const choose = (name: string, content: string, lastModified: number) => {
      chosen = new File([content], name, { lastModified });
      actions.chooseAgain(serverUpload);
      return dialogs.showError.mock.lastCall?.[1];
    };
    expect(choose('other.bin', 'xyz', 5)).toContain('you chose other.bin');
    expect(choose('model.bin', 'wxyz', 5)).toContain('model.bin has 4 bytes');
    expect(choose('model.bin', 'xyz', 6)).toContain('has changed since its upload started');
    expect(uploads.resumeInterrupted).not.toHaveBeenCalled();
    choose('model.bin', 'xyz', 5);
    expect(dialogs.showError).toHaveBeenCalledTimes(3);
    expect(uploads.resumeInterrupted).toHaveBeenCalledWith(serverUpload, chosen);
  });

  it('discards an upload only after confirmation', async () => {
    dialogs.confirmDiscard.mockResolvedValueOnce(false).mockResolvedValueOnce(true);
    actions.discardUpload(upload());
    await settle();
    expect(unfinished.discard).not.toHaveBeenCalled();
    actions.discardUpload(upload());
    await settle();
    expect(unfinished.discard).toHaveBeenCalledWith('u1');
  });
});

describe('LabActions on a read-only connection', () => {
  const model = { bucket: 'frozen@data', connection: 'frozen', prefix: '', setRenaming: vi.fn() };
  const moves = { canMove: vi.fn(() => true), moveRows: vi.fn(async () => undefined) };
  const objects = { remove: vi.fn(), importModel: vi.fn() };
  const dialogs = { newFolder: vi.fn(), newBucket: vi.fn() };
  const connections = {
    find: (name: string) => (name === 'frozen' ? { readOnly: true } : undefined),
    titleOf: (name: string) => name
  };
  const options = { model, moves, objects, dialogs, connections, trans };
  const actions = new LabActions(options as unknown as LabActions.IOptions);
  const frozen = { bucket: 'frozen@data', rows: [] };
  const open = { bucket: 'data', rows: [] };

  beforeEach(() => vi.clearAllMocks());

  it('starts nothing that would write', () => {
    actions.remove([]);
    actions.importModel();
    actions.newFolder();
    actions.newBucket('');
    actions.startRenaming('k');
    for (const start of [
      objects.remove,
      objects.importModel,
      dialogs.newFolder,
      dialogs.newBucket,
      model.setRenaming
    ]) {
      expect(start).not.toHaveBeenCalled();
    }
  });

  it('copies from it, but neither moves from it nor copies to it', () => {
    const here = { bucket: 'frozen@data', prefix: '' };
    const there = { bucket: 'data', prefix: '' };
    expect([actions.canMove(open, here), actions.canMove(frozen, there)]).toEqual([false, true]);
    actions.moveRows(open, here, true);
    actions.moveRows(frozen, there, false);
    expect(moves.moveRows).not.toHaveBeenCalled();
    actions.moveRows(frozen, there, true);
    expect(moves.moveRows).toHaveBeenCalledTimes(1);
  });
});
