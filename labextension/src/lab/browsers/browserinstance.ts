import type { BrowserModel } from '../../list/browser';
import type { LabActions } from '../actions/labactions';
import type { BrowserPanel } from './panel';

/** One browser with all that belongs to it alone: the sidebar has one, each tab of the main area another; the outputs of one widget share all but the panel. */
export interface IBrowserInstance {
  readonly model: BrowserModel;
  readonly actions: LabActions;
  readonly panel: BrowserPanel;
}
