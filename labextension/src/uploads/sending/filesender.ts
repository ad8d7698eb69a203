import { BodyLimit, isTooLarge } from './bodylimit';
import type { IBegun, IFileJob, ISender, IUploadServer } from './filejob';
import { PartUpload } from './partupload';
import { assertReadable } from './readable';
import { ApiError } from '../../api/request';
import { isTransient, retrying, type IPatience } from './retry';
import { Slots } from './slots';

/** Up to here a file is one request; it is also the least size of a part. */
const ONE_REQUEST = 8 * 1024 * 1024;
/** A browser gives a host six connections: Lab needs some of them. */
const REQUESTS = 4;

/** Sends files: small ones in one request, larger ones in parts, in smaller requests where a proxy wants it. */
export class FileSender implements ISender {
  constructor(private readonly _options: FileSender.IOptions) {
    this.server = _options.server;
    this.patience = _options.patience;
  }

  readonly server: IUploadServer;
  readonly patience: IPatience;
  readonly slots = new Slots(REQUESTS);
  readonly limit = new BodyLimit();

  /** Resolves to whether it was stored (true) or left alone (false). */
  async send(job: IFileJob): Promise<boolean> {
    if (job.file.size <= Math.min(ONE_REQUEST, this.limit.bytes)) {
      try {
        return await this._put(job);
      } catch (reason) {
        // In parts it goes in smaller requests.
        if (!isTooLarge(reason) || !this.limit.shrink(job.file.size)) {
          throw reason;
        }
      }
    }
    let { begun } = job;
    const onBegun = (now: IBegun) => {
      begun = now;
      job.onBegun(now);
    };
    try {
      await new PartUpload({ ...job, onBegun }, this).run();
      return true;
    } catch (reason) {
      const { code, status } = ApiError.from(reason);
      const skipped = job.onConflict === 'skip' && status === 409 && code === 'Conflict';
      if (begun && (skipped || job.signal.aborted)) {
        this.drop(begun.id);
      }
      if (skipped) {
        return false;
      }
      throw reason;
    }
  }

  /** Forget the parts that have arrived. What cannot be dropped now is offered as unfinished later. */
  drop(id: string): void {
    const never = new AbortController().signal;
    retrying(() => this.server.dropUpload(id), never, this.patience)
      .catch(() => undefined)
      .finally(() => this._options.onDropped?.());
  }

  hold(id: string): () => void {
    return this._options.hold?.(id) ?? (() => undefined);
  }

  private _put(job: IFileJob): Promise<boolean> {
    const { bucket, key, file, onConflict, signal, stop, onProgress } = job;
    const put = async () => {
      onProgress(0);
      try {
        return await this.server.putObject(bucket, key, file, { onConflict, signal, onProgress });
      } catch (reason) {
        if (isTransient(reason)) {
          await assertReadable(file);
        }
        throw reason;
      }
    };
    return retrying(() => this.slots.within(stop, put), stop, this.patience, job.onTrouble);
  }
}

export namespace FileSender {
  export interface IOptions {
    server: IUploadServer;
    patience: IPatience;
    hold?: (id: string) => () => void;
    onDropped?: () => void;
  }
}
