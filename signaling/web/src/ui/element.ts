/** Building and keeping DOM nodes, and nothing else. */

export interface Props {
  class?: string;
  text?: string;
  /** `data-testid`. */
  test?: string;
  id?: string;
  hidden?: boolean;
  disabled?: boolean;
  attrs?: Record<string, string>;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
}

export type Child = Node | string | null | false;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (props.class) node.className = props.class;
  if (props.id) node.id = props.id;
  if (props.test) node.dataset['testid'] = props.test;
  if (props.hidden) node.hidden = true;
  if (props.disabled) node.setAttribute('disabled', '');
  for (const [name, value] of Object.entries(props.attrs ?? {})) node.setAttribute(name, value);
  for (const [name, listener] of Object.entries(props.on ?? {})) {
    node.addEventListener(name, listener as EventListener);
  }
  if (props.text !== undefined) node.textContent = props.text;
  node.append(...children.filter((c): c is Node | string => c !== null && c !== false));
  return node;
}

export function button(
  label: string,
  options: { test?: string; class?: string; disabled?: boolean; click: () => void },
): HTMLButtonElement {
  const { test, disabled = false, click } = options;
  return h('button', {
    class: `btn ${options.class ?? ''}`.trim(),
    text: label,
    disabled,
    attrs: { type: 'button' },
    on: { click },
    ...(test ? { test } : {}),
  });
}

export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Names a button by its text and by what a press does; the latter is its hint too. */
export function nameAction(node: HTMLElement, text: string, action: string): void {
  const name = `${text}: ${action.toLowerCase()}`;
  if (node.getAttribute('aria-label') === name) return;
  node.setAttribute('aria-label', name);
  node.title = action;
}

/**
 * Replaces the children of a list whose content changed, and keeps the focus on the control with
 * the same `data-key`: a list is redrawn while somebody walks through it with the keyboard.
 */
export function redraw(list: HTMLElement, signature: string, draw: () => Child[]): void {
  if (list.dataset['signature'] === signature) return;
  list.dataset['signature'] = signature;
  const key = list.contains(document.activeElement)
    ? (document.activeElement as HTMLElement).dataset['key']
    : undefined;
  const open = [...list.querySelectorAll<HTMLDetailsElement>('details[open]')].map((d) => d.dataset['key']);
  list.replaceChildren(...draw().filter((c): c is Node | string => c !== null && c !== false));
  for (const details of list.querySelectorAll<HTMLDetailsElement>('details')) {
    if (details.dataset['key'] && open.includes(details.dataset['key'])) details.open = true;
  }
  if (key) list.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
