/** The browser's Back button asks before it leaves the room, as the room's own button does. */

/** One step of history more, which Back uses up: the page stays. A reloaded page has it already. */
function stepIn(): void {
  const state = history.state as { inside?: boolean } | null;
  if (!state?.inside) history.pushState({ inside: true }, '');
}

/** `ask` resolves when the question is answered. Returns the end of it: Back is Back again. */
export function guardBack(ask: () => Promise<void>): () => void {
  let asking = false;
  stepIn();

  function back(): void {
    stepIn();
    if (asking || document.querySelector('dialog[open]')) return;
    asking = true;
    void ask().finally(() => (asking = false));
  }
  window.addEventListener('popstate', back);
  return () => {
    window.removeEventListener('popstate', back);
    history.back();
  };
}
