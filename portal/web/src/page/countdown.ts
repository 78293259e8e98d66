/**
 * `<time data-opens-in="840">` counts down from so many seconds, told by the server's clock when
 * the page was made, and reloads the page at zero: then the server shows the door of the room.
 */
export function startCountdowns(root: Document): void {
  const began = performance.now();
  const clocks = [...root.querySelectorAll<HTMLElement>('[data-opens-in]')];
  if (clocks.length === 0) return;
  const tick = () => {
    const passed = (performance.now() - began) / 1000;
    for (const clock of clocks) {
      const left = Math.ceil(Number(clock.dataset['opensIn']) - passed);
      if (left <= 0) {
        window.location.reload();
        return;
      }
      clock.textContent = words(left);
    }
    window.setTimeout(tick, 1000);
  };
  tick();
}

function words(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 24 * 60) return plural(Math.floor(minutes / 1440), 'giorno', 'giorni');
  if (minutes >= 60) {
    const rest = minutes % 60;
    return `${plural(Math.floor(minutes / 60), 'ora', 'ore')}${rest ? ` e ${plural(rest, 'minuto', 'minuti')}` : ''}`;
  }
  if (minutes >= 2) return plural(minutes, 'minuto', 'minuti');
  return plural(seconds, 'secondo', 'secondi');
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
