/**
 * Forms of a page:
 * - `data-confirm="question"` on a form or a submit button asks before it is sent;
 * - a form is sent once, however often its button is pressed;
 * - `data-autosubmit` on a field sends its form when the value changes;
 * - `data-max-bytes` on a file's field refuses a file of that size or more before it is sent;
 * - a form that came back has its first faulty field focused, or the sentence that says why.
 */
export function guardForms(root: Document): void {
  root.addEventListener('submit', (event) => {
    // The page's own script sends it later.
    if (event.defaultPrevented) return;
    const form = event.target as HTMLFormElement;
    const question =
      (event.submitter as HTMLElement | null)?.dataset['confirm'] ?? form.dataset['confirm'];
    if (form.dataset['sent'] || (question && !window.confirm(question))) {
      event.preventDefault();
      return;
    }
    if (form.method === 'post' && form.target === '') form.dataset['sent'] = 'true';
  });
  root.addEventListener('change', (event) => {
    const field = event.target as HTMLInputElement | HTMLSelectElement;
    if (field.dataset['autosubmit'] !== undefined) field.form?.requestSubmit();
    if (field instanceof HTMLInputElement && field.dataset['maxBytes']) checkSize(field);
  });
  // A page taken from the back-forward cache can be sent again.
  window.addEventListener('pageshow', () => {
    for (const form of root.forms) delete form.dataset['sent'];
  });
  focusFault(root);
}

function checkSize(field: HTMLInputElement): void {
  const max = Number(field.dataset['maxBytes']);
  const large = [...(field.files ?? [])].some((file) => file.size >= max);
  field.setCustomValidity(large ? 'Il file deve essere più piccolo di 15 MB.' : '');
  if (large) field.reportValidity();
}

function focusFault(root: Document): void {
  // The page says itself where the cursor goes.
  if (root.querySelector('main [autofocus]')) return;
  const fault = root.querySelector<HTMLElement>('main [aria-invalid=true]');
  if (fault) {
    fault.focus();
    return;
  }
  const alert = root.querySelector<HTMLElement>('main [role=alert]');
  if (!alert) return;
  alert.tabIndex = -1;
  alert.focus();
}
