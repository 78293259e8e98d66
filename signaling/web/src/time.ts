/** Lengths of time as people read them. Pure. */

/** "4:05", "1:02:09"; never below zero. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** "meno di un minuto", "1 minuto", "75 minuti", "2 ore e 5 minuti". */
export function lasted(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes === 0) return 'meno di un minuto';
  const plural = (n: number, one: string, many: string) => (n === 1 ? `1 ${one}` : `${n} ${many}`);
  if (minutes < 90) return plural(minutes, 'minuto', 'minuti');
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return plural(hours, 'ora', 'ore') + (rest > 0 ? ` e ${plural(rest, 'minuto', 'minuti')}` : '');
}

/** What is left of a breakout's time, at `now`. */
export function timeLeft(ends_at_ms: number, now: number): string {
  const left = ends_at_ms - now;
  return left > 0 ? `restano ${clock(left + 999)}` : `tempo finito da ${clock(-left)}`;
}

/** Said once when the last minute begins; false before and after. */
export function lastMinuteBegins(ends_at_ms: number, before: number, now: number): boolean {
  const mark = ends_at_ms - 60_000;
  return before < mark && now >= mark && now < ends_at_ms;
}
