import type { ConnectionsModel } from '../list/connections';
import type { ConnectionPreset, ConnectionRequest, ConnectionSummary } from '../tokens';
import { FormModel } from './formmodel';

/** The texts of the form, by the names of their fields in the request. */
export type ConnectionText =
  | 'name'
  | 'title'
  | 'endpoint'
  | 'region'
  | 'defaultBucket'
  | 'accessKeyId'
  | 'secretAccessKey'
  | 'sessionToken';
export type ConnectionFlag = 'anonymous' | 'requesterPays' | 'readOnly';
export type AddressingStyle = NonNullable<ConnectionRequest['addressingStyle']>;

/** Why the form cannot be sent. */
export type ConnectionProblem = 'name' | 'taken' | 'placeholder' | 'keys';

/** Agrees with the names that the server accepts. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A new connection. Its keys are sent once and never read. */
export class ConnectionModel extends FormModel {
  constructor(private readonly _connections: ConnectionModel.IConnections) {
    super();
    this.choosePreset(this.presets[0]?.id ?? '');
  }

  get presets(): readonly ConnectionPreset[] {
    return this._connections.presets;
  }

  /** The preset that the form started with. */
  get preset(): ConnectionPreset | undefined {
    return this.presets.find(({ id }) => id === this._presetId);
  }

  get addressingStyle(): AddressingStyle {
    return this._style;
  }

  text(field: ConnectionText): string {
    return this._texts[field] ?? '';
  }

  flag(field: ConnectionFlag): boolean {
    return this._flags[field] ?? false;
  }

  /** Fill in what a store needs. What the user has entered stays. */
  choosePreset(id: string): void {
    const before = this.preset;
    this._presetId = id;
    const { preset } = this;
    if (preset) {
      this._fill('endpoint', before?.endpoint, preset.endpoint);
      this._fill('region', before?.region, preset.region);
      if (this._style === (before?.addressingStyle ?? this._style)) {
        this._style = preset.addressingStyle;
      }
    }
    this._edited();
  }

  setText(field: ConnectionText, text: string): void {
    this._texts[field] = text;
    this._edited();
  }

  setFlag(field: ConnectionFlag, on: boolean): void {
    this._flags[field] = on;
    this._edited();
  }

  setAddressingStyle(style: AddressingStyle): void {
    this._style = style;
    this._edited();
  }

  /** Why the form cannot be sent; null if the server can check it. */
  get problem(): ConnectionProblem | null {
    const name = this.text('name').trim();
    if (!NAME.test(name)) {
      return 'name';
    }
    if (this._connections.find(name)) {
      return 'taken';
    }
    if (/[<>]/.test(this.text('endpoint'))) {
      return 'placeholder';
    }
    const hasKeys = this.text('accessKeyId').trim() && this.text('secretAccessKey').trim();
    return this.flag('anonymous') || hasKeys ? null : 'keys';
  }

  /** Add the connection. Returns it, or null if that failed. */
  async add(): Promise<ConnectionSummary | null> {
    let added: ConnectionSummary | null = null;
    if (this.problem === null) {
      // The request is what the user has seen when the button was pressed.
      const request = this._request();
      await this.run('adding', async () => {
        // The server replaces an added connection of the same name, with its keys, and another page may have added one
        // since this form was opened.
        await this._connections.refresh();
        if (!this.isDisposed && !this._connections.find(request.name)) {
          added = await this._connections.add(request);
        }
      });
    }
    return added;
  }

  private _request(): ConnectionRequest {
    const given = (field: ConnectionText) => this.text(field).trim() || null;
    // Nobody expects keys that were entered before to be sent for requests without a signature.
    const key = (field: ConnectionText) => (this.flag('anonymous') ? null : given(field));
    return {
      name: this.text('name').trim(),
      title: this.text('title').trim(),
      endpoint: given('endpoint'),
      region: given('region'),
      defaultBucket: given('defaultBucket'),
      accessKeyId: key('accessKeyId'),
      secretAccessKey: key('secretAccessKey'),
      sessionToken: key('sessionToken'),
      anonymous: this.flag('anonymous'),
      requesterPays: this.flag('requesterPays'),
      readOnly: this.flag('readOnly'),
      addressingStyle: this._style
    };
  }

  /** Replace a text by that of another preset if it is empty or still that of the previous one. */
  private _fill(
    field: ConnectionText,
    before: string | null | undefined,
    text: string | null
  ): void {
    if (['', before ?? ''].includes(this.text(field))) {
      this._texts[field] = text ?? '';
    }
  }

  private _edited(): void {
    this.setError(null);
    this.changed();
  }

  private _presetId = '';
  private _texts: Partial<Record<ConnectionText, string>> = {};
  private _flags: Partial<Record<ConnectionFlag, boolean>> = {};
  private _style: AddressingStyle = 'auto';
}

export namespace ConnectionModel {
  export type IConnections = Pick<ConnectionsModel, 'presets' | 'find' | 'refresh' | 'add'>;
}
