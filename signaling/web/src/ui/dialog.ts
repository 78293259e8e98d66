/** Questions and short messages over the page. */
import { button, h } from './element';

export interface Question {
  title: string;
  text: string;
  confirm: string;
  danger?: boolean;
  /** Asks for a text; the label of its field. */
  field?: string;
  /** Lines below the text. */
  list?: string[];
  /** Stands below the text. */
  more?: HTMLElement;
  /** Nothing to decide: read and go on. */
  inform?: boolean;
  /** Another way to go on; its answer is `other`. */
  other?: string;
}

/** Resolves with the text (empty without a field), or null if the person steps back. */
export function ask(question: Question): Promise<string | null> {
  return new Promise((resolve) => {
    const field = question.field
      ? h('textarea', { id: 'dialog-field', test: 'dialog-field', attrs: { rows: '3', maxlength: '500', required: '' } })
      : null;
    const dialog = h(
      'dialog',
      { class: 'dialog', attrs: { 'aria-labelledby': 'dialog-title' } },
      h('h2', { id: 'dialog-title', text: question.title }),
      h('p', { text: question.text }),
      question.list !== undefined && h('ul', {}, ...question.list.map((line) => h('li', { text: line }))),
      question.more ?? null,
      field && h('label', { text: question.field ?? '', attrs: { for: 'dialog-field' } }),
      field,
      h(
        'div',
        { class: 'actions' },
        !question.inform && button('Annulla', { test: 'dialog-cancel', click: () => dialog.close() }),
        question.other !== undefined && button(question.other, { test: 'dialog-other', class: 'danger', click: () => dialog.close('other') }),
        button(question.confirm, {
          test: 'dialog-confirm',
          class: question.danger ? 'danger' : 'primary',
          click: () => {
            if (field && field.value.trim() === '') return field.focus();
            dialog.close('yes');
          },
        }),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (dialog.returnValue === 'other') return resolve('other');
      resolve(dialog.returnValue === 'yes' ? (field?.value.trim() ?? '') : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    field?.focus();
  });
}

const toasts = h('div', { class: 'toasts', attrs: { role: 'status' } });
const TOAST_MS = 8_000;
/** More would cover the faces; all of them stand in the log. */
const TOASTS = 2;

export function mountToasts(body: HTMLElement): void {
  body.append(toasts);
}

/** Nobody is asked any more: every open question is stepped back from. */
export function closeQuestions(): void {
  document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
}

/** What was told of another place, or of a room that is over, is not true any more. */
export function clearToasts(): void {
  toasts.replaceChildren();
}

export function toast(text: string, kind: 'info' | 'problem' = 'info'): void {
  const close = button('Chiudi', { click: () => node.remove() });
  const node = h('div', { class: `toast ${kind}`, test: 'toast' }, h('span', { text }), close);
  toasts.append(node);
  while (toasts.childElementCount > TOASTS) toasts.firstElementChild?.remove();
  setTimeout(() => node.remove(), TOAST_MS);
}
