import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { connection } from '../testing/fakes';
import type { ConnectionPreset, ConnectionRequest } from '../tokens';
import { ConnectionModel } from './connectionmodel';

const presets: ConnectionPreset[] = [
  {
    id: 'amazon',
    title: 'Amazon S3',
    endpoint: null,
    region: 'us-east-1',
    addressingStyle: 'auto',
    help: '',
    lacks: []
  },
  {
    id: 'other',
    title: 'Other',
    endpoint: 'https://<host>',
    region: 'r',
    addressingStyle: 'path',
    help: '',
    lacks: []
  }
];

describe('ConnectionModel', () => {
  const add = vi.fn<(what: ConnectionRequest) => Promise<ReturnType<typeof connection>>>();
  const refresh = vi.fn<() => Promise<void>>();
  let names: string[];
  let model: ConnectionModel;

  beforeEach(() => {
    names = ['taken'];
    refresh.mockReset().mockResolvedValue(undefined);
    add.mockReset().mockResolvedValue(connection({ name: 'archive' }));
    model = new ConnectionModel({
      presets,
      find: name => (names.includes(name) ? connection({ name }) : undefined),
      refresh,
      add
    });
    model.setText('name', 'archive');
    model.setText('accessKeyId', 'id');
    model.setText('secretAccessKey', 'secret');
  });

  it('fills in what a preset says, and requires its placeholder to be replaced', () => {
    model.choosePreset('other');
    expect([model.text('endpoint'), model.text('region'), model.addressingStyle]).toEqual([
      'https://<host>',
      'r',
      'path'
    ]);
    expect(model.problem).toBe('placeholder');
    model.setText('endpoint', 'https://store');
    expect([model.problem, model.text('name')]).toEqual([null, 'archive']);
  });

  it('keeps what was entered when another preset is chosen', () => {
    const shown = () => [model.text('endpoint'), model.text('region'), model.addressingStyle];
    model.setText('region', 'eu-central-1');
    model.choosePreset('other');
    expect(shown()).toEqual(['https://<host>', 'eu-central-1', 'path']);
    model.setAddressingStyle('virtual');
    model.choosePreset('amazon');
    expect(shown()).toEqual(['', 'eu-central-1', 'virtual']);
    model.setText('endpoint', 'https://store');
    model.choosePreset('other');
    expect(shown()).toEqual(['https://store', 'eu-central-1', 'virtual']);
  });

  it('does not replace a connection that was added elsewhere since the form was opened', async () => {
    refresh.mockImplementation(async () => void names.push('archive'));
    expect(await model.add()).toBeNull();
    expect(add).not.toHaveBeenCalled();
    expect(model.problem).toBe('taken');
    expect(model.text('secretAccessKey')).toBe('secret');
  });

  it('adds nothing when it is closed before the names are known', async () => {
    refresh.mockImplementation(async () => model.dispose());
    expect(await model.add()).toBeNull();
    expect(add).not.toHaveBeenCalled();
  });

  it.each([
    ['', 'name'],
    ['a@b', 'name'],
    ['key:secret', 'name'],
    ['taken', 'taken'],
    ['archive', null]
  ])('checks the name %j', (name, problem) => {
    model.setText('name', name);
    expect(model.problem).toBe(problem);
  });

  it('sends nothing that is not complete', async () => {
    model.setText('secretAccessKey', '');
    expect(model.problem).toBe('keys');
    expect(await model.add()).toBeNull();
    expect(add).not.toHaveBeenCalled();
  });

  it('sends no keys for a connection without keys', async () => {
    model.setFlag('anonymous', true);
    await model.add();
    expect(add.mock.calls[0][0]).toMatchObject({
      name: 'archive',
      accessKeyId: null,
      secretAccessKey: null,
      anonymous: true
    });
  });

  it("keeps the server's error until something is changed", async () => {
    add.mockRejectedValueOnce(new ApiError('BadRequest', 'endpoint: it has no host.', 400));
    expect(await model.add()).toBeNull();
    expect(model.error?.message).toBe('endpoint: it has no host.');
    model.setText('endpoint', 'https://store');
    expect(model.error).toBeNull();
  });
});
