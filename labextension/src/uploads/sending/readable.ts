import { ApiError } from '../../api/request';

/**
 * Reject if the file can no longer be read. The request of a changed file only says that it failed, so try to read the
 * file itself.
 */
export function assertReadable(file: File, from = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve();
    reader.onerror = () =>
      reject(
        new ApiError(
          'FileUnreadable',
          `${file.name} can no longer be read: it was changed or removed on this computer. Choose it again.`,
          0
        )
      );
    reader.readAsArrayBuffer(file.slice(from, from + 1));
  });
}
