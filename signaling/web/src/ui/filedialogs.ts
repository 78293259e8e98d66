/** Questions about files: which document of the case, and how one's own file enters the case. */
import { fileSize, type CaseDocument } from '../files';
import { theNeutral } from '../words';
import { button, h } from './element';

/** Resolves with the document, or null if the person steps back. */
export function chooseDocument(documents: CaseDocument[]): Promise<CaseDocument | null> {
  return new Promise((resolve) => {
    let chosen: CaseDocument | null = null;
    const rows = documents.map((one) =>
      h(
        'li',
        {},
        h(
          'button',
          { class: 'choice', test: 'case-document', attrs: { type: 'button' }, on: { click: () => { chosen = one; dialog.close(); } } },
          h('strong', { text: one.name }),
          h('span', { text: [one.kind, one.description, fileSize(one.size_bytes)].filter(Boolean).join(' – ') }),
          one.confidential && h('span', { class: 'mark', text: 'Riservato: lo vedrà solo chi può vederlo nel fascicolo' }),
        ),
      ),
    );
    const dialog = h(
      'dialog',
      { class: 'dialog', attrs: { 'aria-labelledby': 'choose-title' } },
      h('h2', { id: 'choose-title', text: 'Documenti del fascicolo' }),
      h('p', { text: documents.length > 0 ? 'Scegli il documento da mostrare. Lo vedono solo i presenti che possono vederlo anche nel fascicolo.' : 'Nel fascicolo non ci sono documenti che puoi mostrare.' }),
      h('ul', { class: 'rows choose' }, ...rows),
      h('div', { class: 'actions' }, button('Annulla', { test: 'dialog-cancel', click: () => dialog.close() })),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** The choice has no default: who may see a document is decided each time (R-CASE-40). */
export function askFiling(name: string): Promise<{ description: string; visible: boolean } | null> {
  return new Promise((resolve) => {
    const description = h('input', { id: 'filing-description', test: 'filing-description', attrs: { type: 'text', maxlength: '200', required: '' } });
    description.value = name.replace(/\.[^.]+$/, '');
    const yes = h('input', { id: 'filing-yes', test: 'filing-yes', attrs: { type: 'radio', name: 'visible', value: 'si' } });
    const no = h('input', { id: 'filing-no', test: 'filing-no', attrs: { type: 'radio', name: 'visible', value: 'no' } });
    const problem = h('p', { class: 'problem', id: 'filing-problem', test: 'filing-problem', hidden: true });
    let answer: { description: string; visible: boolean } | null = null;
    const confirm = button('Aggiungi al fascicolo', {
      class: 'primary',
      test: 'filing-confirm',
      click: () => {
        const text = description.value.trim();
        problem.hidden = true;
        if (text === '') return complain('Scrivi la descrizione del documento.', description);
        if (!yes.checked && !no.checked) return complain('Indica se la controparte può vedere il documento.', yes);
        answer = { description: text, visible: yes.checked };
        dialog.close();
      },
    });
    const dialog = h(
      'dialog',
      { class: 'dialog', attrs: { 'aria-labelledby': 'filing-title' } },
      h('h2', { id: 'filing-title', text: 'Aggiungi al fascicolo' }),
      h('p', { text: `${name} diventa un documento della pratica: vi resta anche dopo e non si può togliere.` }),
      h('label', { text: 'Descrizione', attrs: { for: 'filing-description' } }),
      description,
      h(
        'fieldset',
        { attrs: { 'aria-describedby': 'filing-problem' } },
        h('legend', { text: 'La controparte può vederlo?' }),
        h('label', { class: 'check', attrs: { for: 'filing-yes' } }, yes, 'Sì, è visibile alla controparte'),
        h('label', { class: 'check', attrs: { for: 'filing-no' } }, no, `No, è riservato: lo vede anche ${theNeutral()}`),
      ),
      problem,
      h('div', { class: 'actions' }, button('Annulla', { test: 'dialog-cancel', click: () => dialog.close() }), confirm),
    );
    function complain(text: string, field: HTMLElement): void {
      problem.textContent = text;
      problem.hidden = false;
      field.focus();
    }
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    description.focus();
  });
}
