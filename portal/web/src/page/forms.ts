/**
 * Forms of a page:
 * - `data-confirm="question"` on a form or a submit button asks before it is sent;
 * - a form is sent once, however often its button is pressed;
 * - `data-autosubmit` on a field sends its form when the value changes.
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
  });
  // A page taken from the back-forward cache can be sent again.
  window.addEventListener('pageshow', () => {
    for (const form of root.forms) delete form.dataset['sent'];
  });
}
