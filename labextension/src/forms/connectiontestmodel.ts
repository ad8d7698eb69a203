import type { ConnectionTest, ConnectionTestRequest } from '../tokens';
import { FormModel } from './formmodel';

/** The test of a connection. It starts by itself, only reads, and ends when the dialog is closed. */
export class ConnectionTestModel extends FormModel {
  constructor(
    private readonly _server: ConnectionTestModel.IServer,
    readonly name: string,
    readonly title: string
  ) {
    super();
    void this.test(false);
  }

  get report(): ConnectionTest | null {
    return this._report;
  }

  /** Test again; with `write`, a small object is stored and removed again. */
  async test(write: boolean): Promise<void> {
    await this.run('testing', async () => {
      this._report = null;
      const report = await this._server.testConnection(this.name, { write }, this.closed);
      this._report = report;
    });
  }

  private _report: ConnectionTest | null = null;
}

export namespace ConnectionTestModel {
  export interface IServer {
    testConnection(
      name: string,
      what: ConnectionTestRequest,
      signal?: AbortSignal
    ): Promise<ConnectionTest>;
  }
}
