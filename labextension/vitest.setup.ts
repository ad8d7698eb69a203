// Globals that jsdom lacks and Lumino or Lab use at import.
import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

class DragEventFake extends MouseEvent {}
class ResizeObserverFake {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

vi.stubGlobal('DragEvent', DragEventFake);
vi.stubGlobal('ResizeObserver', ResizeObserverFake);
vi.stubGlobal('matchMedia', () => ({
  matches: false,
  addEventListener() {},
  removeEventListener() {},
  // The old names, which Lab's toolbar uses.
  addListener() {},
  removeListener() {}
}));

afterEach(cleanup);
