/** A question with several fields, over the page; errors stand beside the field. */
import { button, h } from './element';

export interface Field {
  name: string;
  label: string;
  hint?: string;
  type: 'text' | 'tel' | 'select' | 'check';
  options?: [value: string, label: string][];
  value?: string;
  /** What is wrong with a value, or null. */
  wrong?: (value: string) => string | null;
}

export interface Form {
  title: string;
  text: string;
  fields: Field[];
  confirm: string;
}

/** Resolves with the values by name ("yes" or "" for a check), or null if the person steps back. */
export function askForm(form: Form): Promise<Record<string, string> | null> {
  return new Promise((resolve) => {
    const drawn = form.fields.map(draw);
    const node = h(
      'form',
      {
        attrs: { novalidate: '' },
        on: {
          submit: (event) => {
            event.preventDefault();
            const bad = drawn.filter((field) => !field.check());
            if (bad[0]) return bad[0].focus();
            dialog.close('yes');
          },
        },
      },
      ...drawn.map((field) => field.node),
      h(
        'div',
        { class: 'actions' },
        button('Annulla', { test: 'dialog-cancel', click: () => dialog.close() }),
        h('button', { class: 'btn primary', text: form.confirm, test: 'dialog-confirm', attrs: { type: 'submit' } }),
      ),
    );
    const dialog = h(
      'dialog',
      { class: 'dialog', attrs: { 'aria-labelledby': 'form-title', 'aria-describedby': 'form-text' } },
      h('h2', { id: 'form-title', text: form.title }),
      h('p', { id: 'form-text', text: form.text }),
      node,
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      const values = Object.fromEntries(drawn.map((field) => [field.name, field.value()]));
      resolve(dialog.returnValue === 'yes' ? values : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    drawn[0]?.focus();
  });
}

function draw(field: Field) {
  const id = `form-${field.name}`;
  const complaint = h('p', { id: `${id}-wrong`, class: 'problem', hidden: true, attrs: { role: 'alert' } });
  const hint = field.hint ? h('p', { id: `${id}-hint`, class: 'hint', text: field.hint }) : null;
  const described = [hint?.id, complaint.id].filter(Boolean).join(' ');
  const shared = { id, test: id, attrs: { 'aria-describedby': described, name: field.name } };
  let input: HTMLInputElement | HTMLSelectElement;
  if (field.type === 'select') {
    const options = (field.options ?? []).map(([value, label]) => h('option', { text: label, attrs: { value } }));
    input = h('select', shared, ...options);
  } else {
    const type = field.type === 'check' ? 'checkbox' : field.type;
    input = h('input', { ...shared, attrs: { ...shared.attrs, type, autocomplete: 'off' } });
  }
  const check = field.type === 'check' ? (input as HTMLInputElement) : null;
  if (check) check.checked = field.value === 'yes';
  else if (field.value !== undefined) input.value = field.value;
  const label = h('label', { attrs: { for: id } });
  if (check) {
    label.classList.add('check');
    label.append(input, field.label);
  } else {
    label.textContent = field.label;
  }
  const value = () => (check ? (check.checked ? 'yes' : '') : input.value.trim());
  return {
    name: field.name,
    node: h('div', { class: 'field' }, label, check ? null : input, hint, complaint),
    value,
    focus: () => input.focus(),
    check(): boolean {
      const wrong = field.wrong?.(value()) ?? null;
      complaint.hidden = wrong === null;
      complaint.textContent = wrong ?? '';
      input.setAttribute('aria-invalid', String(wrong !== null));
      return wrong === null;
    },
  };
}
