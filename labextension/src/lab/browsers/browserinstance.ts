import type { BrowserModel } from '../../list/browser';
import type { LabActions } from '../actions/labactions';
import type { BrowserPanel } from './panel';

/**
 * One browser: the sidebar has one, and each tab of the main area has another. The outputs of one widget share
 * everything but the panel.
 */
export interface IBrowserInstance {
  readonly model: BrowserModel;
  readonly actions: LabActions;
  readonly panel: BrowserPanel;
}
