/**
 * A toolbar is one stop of the Tab key; the arrow keys walk through it, Home and End to its ends
 * (WAI-ARIA: toolbar).
 */
export function rove(toolbar: HTMLElement): { update(): void } {
  const buttons = () => [...toolbar.querySelectorAll<HTMLButtonElement>('button')].filter((b) => !b.hidden && !b.disabled);
  let stop: HTMLButtonElement | undefined;

  function update(): void {
    const all = buttons();
    if (!stop || !all.includes(stop)) stop = all[0];
    for (const button of toolbar.querySelectorAll('button')) button.tabIndex = button === stop ? 0 : -1;
  }

  toolbar.addEventListener('focusin', (event) => {
    if (event.target instanceof HTMLButtonElement) stop = event.target;
    update();
  });
  toolbar.addEventListener('keydown', (event) => {
    const all = buttons();
    const at = all.findIndex((b) => b === document.activeElement);
    const next = following(event.key, at, all.length);
    if (at < 0 || next === null) return;
    event.preventDefault();
    all[next]?.focus();
  });
  return { update };
}

/** Where a key leads from `at`, or null if it leads nowhere. Pure. */
export function following(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return (at + 1) % count;
    case 'ArrowLeft':
    case 'ArrowUp':
      return (at + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
