/** Buttons that ask the room for something, and keep their place when a list is redrawn. */
import type { Meeting } from '../meeting';
import { button } from './element';

/** A second press within this time is the same press: of a double click, or of a trembling hand. */
const SAME_PRESS_MS = 700;
const underWay = new Set<string>();

/** `about` names the person for a screen reader. */
export function act(
  meeting: Meeting,
  label: string,
  key: string,
  style: string,
  command: Parameters<Meeting['command']>[0],
  about?: string,
): HTMLButtonElement {
  const whose = about ? `${key}-${about}` : key;
  const test = key.replace(/-[0-9a-f]{8}-.*$/, '');
  return pressable(label, { test, key: whose, style, about }, () => meeting.command(command));
}

/** The same for what is more than one command. */
export function pressed(label: string, key: string, style: string, about: string, run: () => Promise<unknown>): HTMLButtonElement {
  return pressable(label, { test: key, key, style, about }, run);
}

function pressable(
  label: string,
  { test, key, style, about }: { test: string; key: string; style: string; about: string | undefined },
  run: () => Promise<unknown>,
): HTMLButtonElement {
  const node = button(label, { test, class: style, click: () => once(key, run) });
  if (about) node.setAttribute('aria-label', `${label}: ${about}`);
  return keyed(node, key);
}

/** Runs it unless it is under way, or has just been done: the list may have been redrawn between two clicks. */
export function once(key: string, run: () => Promise<unknown>): void {
  if (underWay.has(key)) return;
  underWay.add(key);
  void run().finally(() => setTimeout(() => underWay.delete(key), SAME_PRESS_MS));
}

export function keyed<T extends HTMLElement>(node: T, key: string): T {
  node.dataset['key'] = key;
  return node;
}
