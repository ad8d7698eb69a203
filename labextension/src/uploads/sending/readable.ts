import { ApiError } from '../../api/request';

/** Of a file that is no longer as it was chosen, a request says only that it failed: so the file itself is asked. */
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
