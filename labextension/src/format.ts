import type { TranslationBundle } from '@jupyterlab/translation';

/** Numbers for people. Sizes have decimal units, as in the Python client and on the command line. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be printed as "1000".
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(Math.round(bytesPerSecond))}/s`;
}

export function formatCount(count: number): string {
  if (count < 1e6) {
    return count.toLocaleString();
  }
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(1)} B`;
}

/** Return `45 s`, `3 min` or `2 h 5 min`, rounded because it is an estimate. */
export function formatDuration(seconds: number, trans: TranslationBundle): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return trans.__('%1 s', whole);
  }
  const minutes = Math.round(whole / 60);
  if (minutes < 60) {
    return trans.__('%1 min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? trans.__('%1 h %2 min', hours, minutes % 60)
    : trans.__('%1 d', Math.round(hours / 24));
}

/** Return the age in the few letters that fit in a narrow column. */
export function formatAge(modified: Date, now: Date, trans: TranslationBundle): string {
  const seconds = (now.getTime() - modified.getTime()) / 1000;
  if (seconds < 60) {
    return trans.__('now');
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return trans.__('%1m', minutes);
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return trans.__('%1h', hours);
  }
  const days = Math.floor(hours / 24);
  if (days < 30) {
    return trans.__('%1d', days);
  }
  const months = Math.floor(days / 30.44);
  return months < 12 ? trans.__('%1mo', months) : trans.__('%1y', Math.floor(days / 365.25));
}

/** Return date, hour and minute, always with the same width. */
export function formatDate(modified: Date): string {
  return DATE.format(modified);
}

// Created once, because creating it is slower than drawing a row.
const DATE = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit'
});
