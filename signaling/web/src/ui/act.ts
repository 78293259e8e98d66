/** Buttons that send one command to the room, and keep their place when a list is redrawn. */
import type { Meeting } from '../meeting';
import { button } from './element';

/** `about` names the person for a screen reader. */
export function act(
  meeting: Meeting,
  label: string,
  key: string,
  style: string,
  command: Parameters<Meeting['command']>[0],
  about?: string,
): HTMLButtonElement {
  const node = button(label, {
    test: key.replace(/-[0-9a-f]{8}-.*$/, ''),
    class: style,
    click: () => void meeting.command(command),
  });
  if (about) node.setAttribute('aria-label', `${label}: ${about}`);
  return keyed(node, about ? `${key}-${about}` : key);
}

export function keyed<T extends HTMLElement>(node: T, key: string): T {
  node.dataset['key'] = key;
  return node;
}
