const EVERY_MS = 10_000;

/**
 * `<div id="…" data-live>` shows how things stand: every ten seconds its content is taken from the
 * same page anew. Whoever is on something in it with the keyboard is not disturbed.
 */
export function startLive(root: Document): void {
  const place = root.querySelector<HTMLElement>('[data-live]');
  if (!place?.id) return;
  const refresh = async () => {
    if (root.hidden || place.contains(root.activeElement)) return;
    const answer = await fetch(window.location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.getElementById(place.id);
    if (fresh) place.replaceChildren(...fresh.childNodes);
  };
  // A line that is down for a moment is tried again.
  window.setInterval(() => void refresh().catch(() => undefined), EVERY_MS);
}
